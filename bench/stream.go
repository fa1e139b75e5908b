package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"tocsin/internal/testdata"
)

// leastEvents is how long the stream is at least: long enough that starting a
// program and compiling rules weighs little.
const leastEvents = 300_000

// stream is the events all JSON readers are measured on: the EVTX attack
// samples as JSON lines, as evtx_dump writes them.
type stream struct {
	lines   [][]byte // one round of the samples
	repeats int
}

func (s *stream) events() float64 { return float64(len(s.lines) * s.repeats) }

func (s *stream) each(visit func(line []byte) error) error {
	for range s.repeats {
		for _, line := range s.lines {
			if err := visit(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// write makes a file of the whole stream, through edit where given.
func (s *stream) write(path string, edit func(line []byte) ([]byte, error)) error {
	var once bytes.Buffer
	for _, line := range s.lines {
		if edit != nil {
			edited, err := edit(line)
			if err != nil {
				return err
			}
			line = edited
		}
		once.Write(line)
		once.WriteByte('\n')
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for range s.repeats {
		if _, err := file.Write(once.Bytes()); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return file.Close()
}

// samples returns every file of a set with that ending, in order.
func samples(data, set, ending string) ([]string, error) {
	dir, err := testdata.Unpack(filepath.Join(data, "detect", set+".tar.zst"))
	if err != nil {
		return nil, err
	}
	var files []string
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == ending {
			files = append(files, path)
		}
		return err
	})
	slices.Sort(files)
	return files, err
}

// attackStream converts the attack samples. evtx_dump stops with an error at
// damage in a file; what it read until then counts.
func attackStream(ctx context.Context, files []string, dump string) (*stream, error) {
	s := &stream{}
	for _, file := range files {
		out, err := exec.CommandContext(ctx, dump, "-t", "1", "-o", "jsonl", file).Output()
		if err != nil && len(out) == 0 {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for line := range bytes.Lines(out) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				s.lines = append(s.lines, line)
			}
		}
	}
	if len(s.lines) == 0 {
		return nil, fmt.Errorf("%s read no event of %d files", dump, len(files))
	}
	s.repeats = (leastEvents + len(s.lines) - 1) / len(s.lines)
	return s, nil
}
