"""What imports have in common, whatever they read: progress, a dry run, and how the end is told.

Owns how an import meets the record and the terminal. Must not know any format but the record's own.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
import rich_click as click

from timeline.application import transfer
from timeline.application.foreseeing import foreseeing
from timeline.application.import_report import ImportReport
from timeline.application.importing import Books, Importing, Ledger
from timeline.application.transfer import LineRefused, Tally
from timeline.bootstrap import Application
from timeline.cli.errors import CommandError
from timeline.cli.foretelling import Listing
from timeline.cli.progress import Report, progress
from timeline.cli.showing import document, shown
from timeline.eventstore.model import Draft
from timeline.importers.errors import InputRefused
from timeline.importers.opening import Inputs
from timeline.importers.reading import lines
from timeline.importers.reconcile import Change, Kind
from timeline.importers.sketch import Importer, Place, Refused

SHOWN_NOTES: Final = 20


class How(msgspec.Struct, frozen=True, kw_only=True):
    """How to import.

    Attributes:
        principal: whose name the events carry.
        dry_run: record nothing.
        keep_going: pass over what is refused.
        quiet: show no progress.
        listing: is told of each event and refusal; for a dry run.
        project: bring the read models to the log's end afterwards.

    """

    principal: str
    dry_run: bool = False
    keep_going: bool = False
    quiet: bool = False
    listing: Listing | None = None
    project: bool = True

    def report(self, inputs: Inputs) -> ImportReport:
        """Return a report that nothing is counted in yet."""
        if self.listing is None:
            return ImportReport(order=inputs.order)
        record, refuse = self.listing.record, self.listing.refuse
        return ImportReport(order=inputs.order, on_recorded=record, on_refused=refuse)


def import_source(app: Application, importer: Importer, inputs: Inputs, how: How) -> ImportReport:
    """Import what another source says."""
    counted = hasattr(importer, "policies")
    label = "Policies" if counted else "Statements"
    with _ledger(app, how) as ledger, _progress(inputs, label, how, counted=counted) as report:

        def told(so_far: ImportReport) -> None:
            total = getattr(importer, "policies", None)
            report(so_far.policies if counted else so_far.statements, total)

        importing = Importing(
            ledger,
            how.principal,
            keep_going=how.keep_going,
            on_progress=told,
            report=how.report(inputs),
        )
        return importing.run(importer)


def import_events(app: Application, inputs: Inputs, how: How) -> ImportReport:
    """Record events as lines hold them."""
    told = how.report(inputs)
    with _ledger(app, how) as ledger, _progress(inputs, "Events", how) as report:

        def counted(tally: Tally) -> None:
            told.recorded, told.known = tally.recorded, tally.known
            report(tally.events, None)

        def refuse(error: LineRefused) -> None:
            told.refuse(
                Refused(place=Place(name, error.line), field=error.field, reason=error.reason)
            )

        def recorded(line: int, draft: Draft) -> None:
            if told.on_recorded is not None:
                told.on_recorded(Change(draft, Kind.RECORDED, Place(name, line)))

        name = ""
        importer = transfer.Importer(
            app.store,
            ledger,
            how.principal,
            counted,
            refuse if how.keep_going else None,
            None if how.listing is None else recorded,
        )
        try:
            for each in inputs:
                name = each.name
                importer.run(lines(each))
        except LineRefused as error:
            refuse(error)
            told.stopped = True
        except InputRefused as error:
            told.refuse(Refused(place=error.place, field="", reason=error.reason))
            told.stopped = True
    return told


@contextmanager
def _ledger(app: Application, how: How) -> Iterator[Ledger]:
    """Yield what records, or in a dry run what only judges."""
    if how.dry_run:
        with foreseeing(app.store, clock=app.clock, random_bytes=os.urandom) as ledger:
            yield ledger
    else:
        with app.relay() as relay:
            yield Books(app.store, relay)


@contextmanager
def _progress(inputs: Inputs, label: str, how: How, *, counted: bool = False) -> Iterator[Report]:
    """Show how far an import is: in bytes read, where the whole is known and nothing else is.

    Args:
        inputs: what is read.
        label: what is counted where bytes are not.
        how: says whether anything is shown.
        counted: whether the importer itself knows how much there is, once it has read all.

    """
    size_bytes = None if counted else inputs.size_bytes
    with progress(label if size_bytes is None else "Bytes", quiet=how.quiet) as report:

        def told(done: int, total: int | None) -> None:
            if size_bytes is None:
                report(done, total)
            else:
                report(inputs.read_bytes, size_bytes)

        yield told


def tell(report: ImportReport, *, dry_run: bool, as_json: bool) -> None:
    """Tell what an import came to; raises CommandError where something was refused."""
    if report.refused == 1 and report.stopped:
        _tell_json(report, dry_run=dry_run, as_json=as_json)
        _tell_notes(report)
        raise CommandError(f"{_refusal(report.refusals[0])} ({summary(report, dry_run=dry_run)})")
    tell_of(report, dry_run=dry_run)
    conclude(report, dry_run=dry_run, as_json=as_json)


def conclude(report: ImportReport, *, dry_run: bool = False, as_json: bool) -> None:
    """End with what was told of already; raises CommandError where something was refused."""
    _tell_json(report, dry_run=dry_run, as_json=as_json)
    if report.refused:
        more = report.refused - len(report.refusals)
        listed = f", {more} of them not listed" if more else ""
        raise CommandError(f"{report.refused} refused{listed}.")


def tell_of(report: ImportReport, *, dry_run: bool = False) -> None:
    """Tell in words what was noted, what was refused, and what an import came to."""
    _tell_notes(report)
    for refused in report.refusals:
        click.echo(f"Refused: {_refusal(refused)}", err=True)
    click.echo(summary(report, dry_run=dry_run), err=True)


def _tell_json(report: ImportReport, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        click.echo(document({**report.as_json(), "dry_run": dry_run}))


def _tell_notes(report: ImportReport) -> None:
    for note in list(report.notes.values())[:SHOWN_NOTES]:
        times = f"{note.count} times, first at" if note.count > 1 else "at"
        click.echo(
            f"{_NOTES[note.kind]}: {shown(note.about)}, {times} {shown(note.first)}", err=True
        )
    more = len(report.notes) - SHOWN_NOTES
    if more > 0 or report.more_notes:
        click.echo(f"{max(more, 0)} more such notes: --json has them.", err=True)


_NOTES = {
    "unknown_label": "Unknown label",
    "left_out": "Left out",
    "doubtful": "Doubtful",
}


def _refusal(refused: Refused) -> str:
    field = f"{refused.field}: " if refused.field else ""
    return shown(f"{refused.place}: {field}{' '.join(refused.reason.split())}", 1_000)


def summary(report: ImportReport, *, dry_run: bool = False) -> str:
    """Return an import's result in words."""
    would = " would be" if dry_run else ""
    parts = [f"{report.recorded} events{would} recorded"]
    parts += [
        f"{count} {what}"
        for count, what in (
            (report.corrected, "corrected"),
            (report.disputed, "disputed"),
            (report.retracted, "retracted"),
            (report.restored, "restored"),
            (report.known, "had been before"),
        )
        if count
    ]
    if report.older:
        versions = "version" if report.older == 1 else "versions"
        parts.append(f"{report.older} {versions} older than what is recorded passed over")
    return "; ".join(parts) + "."
