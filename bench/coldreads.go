package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// readBytes is how much one answer reads from the disk: a block as it is
// packed is a little less.
const readBytes = 4 << 10

// tables are the files that a ledger's answers are read from.
func tables(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "store", "*.sst"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s holds no tables", dir)
	}
	return files, err
}

// dropCache has the system forget what it holds in memory of files.
func dropCache(files []string) error {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			return fmt.Errorf("drop %s from memory: %w", name, err)
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// randomReads reads so many times from random places of files that are not in
// memory, as many at once as the ledger does.
func randomReads(names []string, reads int) (cost, error) {
	if err := dropCache(names); err != nil {
		return cost{}, err
	}
	var files []*os.File
	var sizes []int64
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return cost{}, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return cost{}, err
		}
		if info.Size() > readBytes {
			files, sizes = append(files, f), append(sizes, info.Size())
		}
	}
	start := begin()
	var readers sync.WaitGroup
	workers := 8 * runtime.GOMAXPROCS(0)
	errs := make([]error, workers)
	for w := range workers {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 3))
			buffer := make([]byte, readBytes)
			for range reads / workers {
				i := random.IntN(len(files))
				if _, err := files[i].ReadAt(buffer, random.Int64N(sizes[i]-readBytes)); err != nil {
					errs[w] = err
					return
				}
			}
		})
	}
	readers.Wait()
	took := start.cost()
	for _, err := range errs {
		if err != nil {
			return took, err
		}
	}
	return took, nil
}
