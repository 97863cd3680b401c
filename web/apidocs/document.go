package apidocs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"barillet/templates"
)

// composed is the description as compose_test.go makes it from source, with paths as the URLs of servers.
//
//go:embed api.json.gz
var composed []byte

// BasePath is the prefix of the API. The paths of the document are relative to it.
const BasePath = "/api/v1"

// Document is the description of the API at one public URL. It is immutable.
type Document struct {
	json     []byte
	tag      string
	overview templates.Reference
	byPath   map[string]int // areas of shown
}

// New returns the document for a public URL.
func New(publicURL string) (*Document, error) {
	root, err := unpack()
	if err != nil {
		return nil, fmt.Errorf("reading the description of the API: %w", err)
	}
	d, err := describe(root, strings.TrimRight(publicURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("describing the API: %w", err)
	}
	return d, nil
}

func unpack() (*node, error) {
	r, err := gzip.NewReader(bytes.NewReader(composed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return decode(text)
}

// describe returns the document of a composed description. It changes the tree.
func describe(root *node, publicURL string) (*Document, error) {
	setServers(root, publicURL)
	v := viewer{root: root, server: publicURL + BasePath}
	d := &Document{overview: v.reference(), byPath: map[string]int{}}
	for i, a := range d.overview.Areas {
		d.byPath[a.Path] = i
	}
	describePermissions(root)
	var err error
	if d.json, err = encode(root); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(d.json)
	d.tag = `"` + hex.EncodeToString(sum[:16]) + `"`
	return d, nil
}

// setServers puts the public URL before the paths of the servers.
func setServers(root *node, publicURL string) {
	servers := items(get(root, "servers"))
	_ = each(get(root, "paths"), func(_ string, at *node) error {
		servers = append(servers, items(get(at, "servers"))...)
		return nil
	})
	for _, s := range servers {
		put(s, "url", text(publicURL+value(get(s, "url"))))
	}
}

// describePermissions adds x-role and x-who to the descriptions, for viewers that do not show them.
func describePermissions(root *node) {
	_ = each(get(root, "paths"), func(_ string, at *node) error {
		return eachOperation(at, func(_ string, op *node) error {
			about := strings.TrimRight(value(get(op, "description")), "\n")
			if about != "" {
				about += "\n\n"
			}
			about += "**Role:** `" + value(get(op, "x-role")) + "`"
			if who := value(get(op, "x-who")); who != "" {
				about += ". " + who
			}
			put(op, "description", text(about))
			return nil
		})
	})
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

// outsideBase begins the paths that are not below BasePath.
const outsideBase = "/oauth2/"

// FullPath returns a path of the document with BasePath, if it is below it.
func FullPath(path string) string {
	if strings.HasPrefix(path, outsideBase) {
		return path
	}
	return BasePath + path
}
