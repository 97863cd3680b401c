package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// entry is one file or directory of an archive.
type entry struct {
	name  string // a directory ends with "/"
	mode  int64
	owner int
	text  []byte
}

// archives makes an archive for each target: the program and the documents.
func (r *release) archives() error {
	documents, err := entriesOf(r.docs)
	if err != nil {
		return err
	}
	for _, t := range r.targets {
		program, err := os.ReadFile(t.program)
		if err != nil {
			return err
		}
		base := r.name(t.system, t.arch)
		entries := []entry{{name: base + "/" + filepath.Base(t.program), mode: 0o755, text: program}}
		for _, e := range documents {
			e.name = base + "/" + e.name
			entries = append(entries, e)
		}
		var packed []byte
		if t.system == "windows" {
			base += ".zip"
			packed, err = zipOf(entries, r.time)
		} else {
			base += ".tar.gz"
			if packed, err = tarOf(entries, r.time); err == nil {
				packed, err = gzipOf(packed)
			}
		}
		if err != nil {
			return fmt.Errorf("making %s: %w", base, err)
		}
		if err := write(filepath.Join(r.out, base), packed, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// name returns the name of a file of the release, without its suffix.
func (r *release) name(words ...string) string {
	return strings.Join(append([]string{"barillet", r.version}, words...), "_")
}

// entriesOf returns the files below a directory in the order of their names.
func entriesOf(dir string) (out []entry, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		short, err := filepath.Rel(dir, name)
		out = append(out, entry{name: filepath.ToSlash(short), mode: 0o644, text: text})
		return err
	})
	return out, err
}

func tarOf(entries []entry, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: e.mode, Uid: e.owner, Gid: e.owner, Size: int64(len(e.text)), ModTime: at, Typeflag: tar.TypeReg}
		if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.text); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

func zipOf(entries []entry, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: at}
		h.SetMode(fs.FileMode(e.mode))
		f, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(e.text); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// gzipOf compresses without name and time.
func gzipOf(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

const checksumsName = "SHA256SUMS"

// checksums writes the SHA-256 of each file, as sha256sum(1) does.
func (r *release) checksums() error {
	var b strings.Builder
	files, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	for _, f := range files {
		sum, err := sumOf(path.Join(r.out, f.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s  %s\n", sum, f.Name())
	}
	return write(filepath.Join(r.out, checksumsName), []byte(b.String()), 0o644)
}

func sumOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
