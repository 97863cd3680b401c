// Package static serves the style sheets, scripts and icons of the pages. The name of each file contains a hash of its
// content, so that browsers can cache it without limit. Package templates contains the pages.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed files
var embedded embed.FS

// Prefix is the path under which Files must be mounted.
const Prefix = "/static/"

// Files serves the files that pages load. It is safe for concurrent use.
type Files struct {
	urls  map[string]string // by plain name
	files map[string]file   // by path
}

type file struct {
	kind    string
	raw     []byte
	gzipped func() []byte // compresses at the first call; nil if the result is not smaller
}

// New reads the embedded files and makes brand.css for an accent colour "#rrggbb"; "" means Accent. It adjusts the
// lightness of the colour until text has a contrast of 7 to 1. It returns an error if the colour cannot be parsed.
func New(accent string) (*Files, error) {
	f := &Files{urls: map[string]string{}, files: map[string]file{}}
	names, err := fs.Glob(embedded, "files/*")
	if err != nil {
		return nil, fmt.Errorf("reading the embedded files: %w", err)
	}
	for _, n := range names {
		raw, err := embedded.ReadFile(n)
		if err != nil {
			return nil, fmt.Errorf("reading the embedded files: %w", err)
		}
		if err := f.add(path.Base(n), raw); err != nil {
			return nil, err
		}
	}
	css, err := brandSheet(accent)
	if err != nil {
		return nil, err
	}
	return f, f.add("brand.css", css)
}

// kinds maps the extensions to media types. The table of package mime depends on the host.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func (f *Files) add(name string, raw []byte) error {
	ext := path.Ext(name)
	kind := kinds[ext]
	if _, _, err := mime.ParseMediaType(kind); err != nil {
		return fmt.Errorf("adding %s: no media type for %q", name, ext)
	}
	sum := sha256.Sum256(raw)
	url := Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:8]) + ext
	f.urls[name], f.files[url] = url, file{kind: kind, raw: raw, gzipped: sync.OnceValue(func() []byte { return compress(raw) })}
	return nil
}

// compress returns raw in the form of gzip, or nil if that is not smaller.
func compress(raw []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := z.Write(raw); err != nil || z.Close() != nil || b.Len() >= len(raw) {
		return nil
	}
	return b.Bytes()
}

// URL returns the path of a file by its plain name, such as "barillet.css". The path of an unknown name is not found;
// Has reports whether a name is known.
func (f *Files) URL(name string) string {
	if u, ok := f.urls[name]; ok {
		return u
	}
	return Prefix + name
}

// Has reports whether there is a file with that plain name.
func (f *Files) Has(name string) bool {
	_, ok := f.urls[name]
	return ok
}

// ServeHTTP answers GET and HEAD for hashed paths. Any other request gets 404 or 405.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	it, ok := f.files[r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", it.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	// The name changes with the content (RFC 8246).
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := it.raw
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if small := it.gzipped(); small != nil {
			h.Set("Content-Encoding", "gzip")
			body = small
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the client may have closed the connection
}

// acceptsGzip reports whether Accept-Encoding (RFC 9110 §12.5.3) names gzip without q=0.
func acceptsGzip(header string) bool {
	for item := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(item, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		_, q, found := strings.Cut(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "q=")
		if !found {
			return true
		}
		v, err := strconv.ParseFloat(q, 64)
		return err == nil && v > 0
	}
	return false
}
