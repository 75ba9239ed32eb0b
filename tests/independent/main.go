// Checks a mirror of a log with golang.org/x/mod/sumdb, which this project did not write.
//
// Usage: main DIRECTORY VERIFIER-KEY
//
// The directory holds what a log serves below /log (checkpoint, tile/…), and beside that:
// checkpoints/*, signed notes that the log published; proofs/*.json, proofs as the service's API
// answers them; proofs/*.tlog-proof, files of c2sp.org/tlog-proof@v1.
//
// Only the paths of tiles and the form of checkpoints and proof files are this program's own: sumdb
// has others. Hashes, tiles, signatures and proofs are checked by sumdb.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
)

func must(err error, what ...interface{}) {
	if err != nil {
		fmt.Fprintln(os.Stderr, append(what, err)...)
		os.Exit(1)
	}
}

func require(holds bool, what ...interface{}) {
	if !holds {
		fmt.Fprintln(os.Stderr, what...)
		os.Exit(1)
	}
}

// A mirror reads tiles from files.
type mirror struct {
	directory string
	read      int
}

func (m *mirror) Height() int { return height }

func (m *mirror) SaveTiles([]tlog.Tile, [][]byte) {}

func (m *mirror) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		raw, err := os.ReadFile(filepath.Join(m.directory, path(strconv.Itoa(tile.L), tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		m.read++
		found = append(found, raw)
	}
	return found, nil
}

// path is that of C2SP tlog-tiles: sumdb has the height in it, too.
func path(level string, number int64, hashes int) string {
	name := fmt.Sprintf("%03d", number%1000)
	for number >= 1000 {
		number /= 1000
		name = fmt.Sprintf("x%03d/%s", number%1000, name)
	}
	if hashes != width {
		name += fmt.Sprintf(".p/%d", hashes)
	}
	return fmt.Sprintf("tile/%s/%s", level, name)
}

// opened checks a signed checkpoint, and reads it.
func opened(raw []byte, verifier note.Verifier) tlog.Tree {
	signed, err := note.Open(raw, note.VerifierList(verifier))
	must(err, "checkpoint")
	lines := strings.Split(signed.Text, "\n")
	require(len(lines) >= 4 && lines[0] == verifier.Name(), "not a checkpoint of the log")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "size")
	root, err := tlog.ParseHash(lines[2])
	must(err, "root")
	return tlog.Tree{N: size, Hash: root}
}

func main() {
	require(len(os.Args) == 3, "usage: main DIRECTORY VERIFIER-KEY")
	directory := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	must(err, "verifier key")
	raw, err := os.ReadFile(filepath.Join(directory, "checkpoint"))
	must(err)
	tree := opened(raw, verifier)
	tiles := &mirror{directory: directory}
	hashes := tlog.TileHashReader(tree, tiles)

	entries := checkEntries(directory, tree, hashes)
	checkpoints := checkCheckpoints(directory, tree, hashes, verifier)
	inclusion, consistency := checkAnswers(directory)
	files := checkFiles(directory, verifier, hashes)
	fmt.Printf("%d entries, %d tiles, %d checkpoints, %d inclusion proofs, %d consistency proofs, %d proof files\n",
		entries, tiles.read, checkpoints, inclusion, consistency, files)
}

// checkEntries checks that each entry of each bundle is the one of the tree's leaf.
func checkEntries(directory string, tree tlog.Tree, hashes tlog.HashReader) int64 {
	var entries int64
	for first := int64(0); first < tree.N; first += width {
		count := int64(width)
		if tree.N-first < count {
			count = tree.N - first
		}
		raw, err := os.ReadFile(filepath.Join(directory, path("entries", first/width, int(count))))
		must(err)
		var indexes []int64
		for index := first; index < first+count; index++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, index))
		}
		leaves, err := hashes.ReadHashes(indexes)
		must(err, "tiles over", first)
		for _, leaf := range leaves {
			require(len(raw) >= 2, "a bundle ends early")
			end := 2 + int(binary.BigEndian.Uint16(raw))
			require(len(raw) >= end, "a bundle ends within an entry")
			require(tlog.RecordHash(raw[2:end]) == leaf, "entry", entries, "is not the one of its leaf")
			raw = raw[end:]
			entries++
		}
		require(len(raw) == 0, "a bundle has more than its entries")
	}
	return entries
}

// checkCheckpoints checks that the log was at each checkpoint what the newest one began as.
func checkCheckpoints(directory string, tree tlog.Tree, hashes tlog.HashReader, verifier note.Verifier) int {
	files, err := filepath.Glob(filepath.Join(directory, "checkpoints", "*"))
	must(err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(err)
		older := opened(raw, verifier)
		root, err := tlog.TreeHash(older.N, hashes)
		must(err, file)
		require(root == older.Hash, file, "has another root")
		proof, err := tlog.ProveTree(tree.N, older.N, hashes)
		must(err, file)
		must(tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash), file)
	}
	return len(files)
}

type answer struct {
	Position, Size int64
	LeafHash       string `json:"leaf_hash"`
	Root           string
	From, To       int64
	FromRoot       string `json:"from_root"`
	ToRoot         string `json:"to_root"`
	Hashes         []string
}

func hash(digits string) tlog.Hash {
	var found tlog.Hash
	raw, err := hex.DecodeString(digits)
	must(err)
	require(len(raw) == tlog.HashSize, "a hash of another size")
	copy(found[:], raw)
	return found
}

// checkAnswers checks proofs that the service worked out.
func checkAnswers(directory string) (inclusion, consistency int) {
	files, err := filepath.Glob(filepath.Join(directory, "proofs", "*.json"))
	must(err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(err)
		var found answer
		must(json.Unmarshal(raw, &found), file)
		var proof []tlog.Hash
		for _, each := range found.Hashes {
			proof = append(proof, hash(each))
		}
		if found.Position > 0 {
			must(tlog.CheckRecord(proof, found.Size, hash(found.Root), found.Position-1, hash(found.LeafHash)), file)
			inclusion++
		} else {
			must(tlog.CheckTree(proof, found.To, hash(found.ToRoot), found.From, hash(found.FromRoot)), file)
			consistency++
		}
	}
	return inclusion, consistency
}

// checkFiles checks proof files, each of which carries its own checkpoint.
func checkFiles(directory string, verifier note.Verifier, hashes tlog.HashReader) int {
	files, err := filepath.Glob(filepath.Join(directory, "proofs", "*.tlog-proof"))
	must(err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(err)
		parts := strings.SplitN(string(raw), "\n\n", 2)
		lines := strings.Split(parts[0], "\n")
		require(len(parts) == 2 && lines[0] == "c2sp.org/tlog-proof@v1", file, "is no proof file")
		require(strings.HasPrefix(lines[1], "index "), file, "names no index")
		index, err := strconv.ParseInt(lines[1][len("index "):], 10, 64)
		must(err, file)
		tree := opened([]byte(parts[1]), verifier)
		var proof []tlog.Hash
		for _, line := range lines[2:] {
			decoded, err := base64.StdEncoding.DecodeString(line)
			must(err, file)
			proof = append(proof, hash(hex.EncodeToString(decoded)))
		}
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		must(err, file)
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf[0]), file)
	}
	return len(files)
}
