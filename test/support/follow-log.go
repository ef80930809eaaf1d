// A follower of a log that shares no code with it: the libraries that Go checks its module sums with.
//
//	follow-log URL VERIFIER_KEY [NOTE]
//
// Reads the checkpoint and every entry behind it, and checks that the log only grew since the note in the file NOTE.
// Prints the note that it believes.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal("usage: follow-log URL VERIFIER_KEY [NOTE]")
	}
	served, key := server(os.Args[1]), must(note.NewVerifier(os.Args[2]))
	signed := must(served.get("checkpoint"))
	tree := must(openCheckpoint(signed, key))
	hashes := tlog.TileHashReader(tree, served)
	check(served.checkEntries(tree, hashes))
	if len(os.Args) > 3 {
		before := must(openCheckpoint(must(os.ReadFile(os.Args[3])), key))
		check(checkGrowth(before, tree, hashes))
	}
	os.Stdout.Write(signed)
}

// openCheckpoint reads a signed note of c2sp.org/tlog-checkpoint whose origin is the name of the key.
func openCheckpoint(signed []byte, key note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(key))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.SplitN(opened.Text, "\n", 4)
	if len(lines) < 4 || lines[0] != key.Name() {
		return tlog.Tree{}, fmt.Errorf("no checkpoint of %s: %q", key.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("no root: %q", lines[2])
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

// checkGrowth proves to itself, out of tiles alone, that the older tree is a prefix of the newer one.
func checkGrowth(before, tree tlog.Tree, hashes tlog.HashReader) error {
	if tree.N < before.N {
		return fmt.Errorf("the log shrank from %d to %d", before.N, tree.N)
	}
	proof, err := tlog.ProveTree(tree.N, before.N, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
		return fmt.Errorf("the log of size %d is no continuation of that of size %d: %w", tree.N, before.N, err)
	}
	return nil
}

// server is the prefix of a log that serves c2sp.org/tlog-tiles.
type server string

func (s server) get(path string) ([]byte, error) {
	answer, err := http.Get(string(s) + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

func (server) Height() int { return tileHeight }

func (server) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles asks for tiles by the paths of tlog-tiles, which leave the height out. The caller verifies them.
func (s server) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, len(tiles))
	for at, tile := range tiles {
		bytes, err := s.get(strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1))
		if err != nil {
			return nil, err
		}
		read[at] = bytes
	}
	return read, nil
}

// checkEntries reads every entry and finds its hash at its place in the tree.
func (s server) checkEntries(tree tlog.Tree, hashes tlog.HashReader) error {
	for first := int64(0); first < tree.N; first += tileWidth {
		width := tileWidth
		if tree.N-first < tileWidth {
			width = int(tree.N - first)
		}
		bundle := tlog.Tile{H: tileHeight, L: -1, N: first / tileWidth, W: width}
		path := strings.Replace(bundle.Path(), fmt.Sprintf("tile/%d/data/", tileHeight), "tile/entries/", 1)
		rest, err := s.get(path)
		if err != nil {
			return err
		}
		indexes := make([]int64, width)
		for at := range indexes {
			indexes[at] = tlog.StoredHashIndex(0, first+int64(at))
		}
		leaves, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for at, leaf := range leaves {
			if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
				return fmt.Errorf("%s ends at entry %d", path, at)
			}
			end := 2 + int(binary.BigEndian.Uint16(rest))
			if hash := tlog.RecordHash(rest[2:end]); !bytes.Equal(hash[:], leaf[:]) {
				return fmt.Errorf("entry %d is not in the tree", first+int64(at))
			}
			rest = rest[end:]
		}
		if len(rest) > 0 {
			return fmt.Errorf("%s has bytes after its entries", path)
		}
	}
	return nil
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
