package apidocs

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io/fs"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write api.json.gz instead of comparing with it")

// Compose returns the document of other files.
func Compose(files fs.FS, publicURL string) (*Document, error) {
	c := composer{files: files}
	root, err := c.compose()
	if err != nil {
		return nil, err
	}
	return describe(root, publicURL)
}

func TestDescription_IsThatOfItsSource(t *testing.T) {
	c := composer{files: os.DirFS("source")}
	root, err := c.compose()
	if err != nil {
		t.Fatal(err)
	}
	want, err := encode(root)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if _, err := w.Write(want); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("api.json.gz", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	root, err = unpack()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := encode(root); err != nil || !bytes.Equal(got, want) {
		t.Errorf("api.json.gz is not composed of source (error %v): run go test ./web/apidocs -update", err)
	}
}
