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

// BasePath is where the API begins: the paths of the document are relative to it.
const BasePath = "/api/v1"

// Document is the description of the API at one public URL. It is never changed.
type Document struct {
	json   []byte
	tag    string
	shown  templates.Reference
	byPath map[string]int // areas of shown
}

// New composes the document for a public URL without a slash at its end. An error says which file is wrong, and
// where; a test composes what is embedded.
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
	d := &Document{shown: v.reference(), byPath: map[string]int{}}
	for i, a := range d.shown.Areas {
		d.byPath[a.Path] = i
	}
	sayWhoMay(root)
	if d.json, err = encode(root); err != nil {
		return nil, fmt.Errorf("composing the description of the API: %w", err)
	}
	sum := sha256.Sum256(d.json)
	d.tag = `"` + hex.EncodeToString(sum[:16]) + `"`
	return d, nil
}

// JSON is the document. It is not to be written to.
func (d *Document) JSON() []byte { return d.json }

// ETag changes with the document (RFC 9110 section 8.8.3).
func (d *Document) ETag() string { return d.tag }

// Page is the page of an area by the last part of its path, "help-requests", or for "" the overview. ok tells
// whether there is one.
func (d *Document) Page(b templates.Base, area string) (page templates.Reference, ok bool) {
	page = d.shown
	page.Base = b
	if area == "" {
		return page, true
	}
	i, ok := d.byPath[area]
	if !ok {
		return templates.Reference{}, false
	}
	page.Area = &d.shown.Areas[i]
	return page, true
}
