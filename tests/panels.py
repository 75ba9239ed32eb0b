"""What a command says on a terminal, out of the frame that breaks it into lines."""


def unframed(said: str) -> str:
    """Return what stands in a frame as one line, however wide the frame was and long its paths."""
    return " ".join(said.replace("│", " ").split())
