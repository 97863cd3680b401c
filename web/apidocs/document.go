package apidocs

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"

	"barillet/templates"
)

//go:embed source
var source embed.FS

// BasePath is the prefix of the API. The paths of the document are relative to it.
const BasePath = "/api/v1"

// Document is the description of the API at one public URL. It is immutable.
type Document struct {
	json     []byte
	tag      string
	overview templates.Reference
	byPath   map[string]int // areas of shown
}

// New composes the document for a public URL without a final slash. An error names the file and the position; a test
// composes the embedded files.
func New(publicURL string) (*Document, error) {
	files, err := fs.Sub(source, "source")
	if err != nil {
		return nil, fmt.Errorf("reading the description of the API: %w", err)
	}
	return compose(files, strings.TrimRight(publicURL, "/"))
}

func compose(files fs.FS, publicURL string) (*Document, error) {
	c := composer{files: files, publicURL: publicURL}
	root, err := c.compose()
	if err != nil {
		return nil, fmt.Errorf("composing the description of the API: %w", err)
	}
	v := viewer{root: root, server: publicURL + BasePath}
	d := &Document{overview: v.reference(), byPath: map[string]int{}}
	for i, a := range d.overview.Areas {
		d.byPath[a.Path] = i
	}
	describePermissions(root)
	if d.json, err = encode(root); err != nil {
		return nil, fmt.Errorf("composing the description of the API: %w", err)
	}
	sum := sha256.Sum256(d.json)
	d.tag = `"` + hex.EncodeToString(sum[:16]) + `"`
	return d, nil
}

// JSON returns the document. The caller must not modify it.
func (d *Document) JSON() []byte { return d.json }

// ETag returns a validator that changes with the document (RFC 9110 §8.8.3).
func (d *Document) ETag() string { return d.tag }

// Page returns the page of an area by the last part of its path, such as "help-requests", or the overview for "". ok
// reports whether the area exists.
func (d *Document) Page(b templates.Base, area string) (page templates.Reference, ok bool) {
	page = d.overview
	page.Base = b
	if area == "" {
		return page, true
	}
	i, ok := d.byPath[area]
	if !ok {
		return templates.Reference{}, false
	}
	page.Area = &d.overview.Areas[i]
	return page, true
}
