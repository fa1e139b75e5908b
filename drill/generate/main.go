// Generate writes the telemetry of a made-up day into a folder, or with -archive
// as the tarball that ships with the project:
//
//	go run ./drill/generate -archive samples/company-day.tar.zst
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"tocsin/drill"
)

func main() {
	folder := flag.String("o", "", "folder to write the files into")
	archive := flag.String("archive", "", "tarball (.tar.zst) to write instead")
	seed := flag.Uint64("seed", 1, "which of many similar days")
	benign := flag.Bool("benign", false, "an ordinary day, without the outbreak")
	flag.Parse()
	if err := generate(*folder, *archive, drill.Day{Seed: *seed, Outbreak: !*benign}); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(folder, archive string, day drill.Day) error {
	switch {
	case folder != "":
		return unpacked(folder, day.Files())
	case archive != "":
		return packed(archive, day.Files())
	}
	return errors.New("say where to: -o FOLDER or -archive FILE.tar.zst")
}

func unpacked(folder string, files []drill.File) error {
	for _, f := range files {
		path := filepath.Join(folder, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.Text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func packed(path string, files []drill.File) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return drill.WriteArchive(f, files)
}
