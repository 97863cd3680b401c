package reply

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep a body may be nested: nothing that we take is deeper than ten.
const maxDepth = 32

// JSON answers with v. It is encoded before anything is written, so an error leaves the answer unwritten.
func JSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	write(w, status, mediaJSON, append(body, '\n'))
	return nil
}

// WritePNG answers with one, which nobody may keep.
func WritePNG(w http.ResponseWriter, png []byte) { write(w, http.StatusOK, "image/png", png) }

func write(w http.ResponseWriter, status int, media string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client went away: nobody is left to tell
}

// Ignored is a member that a call accepts and does nothing with: read-only in Okta's model.
type Ignored struct{}

// UnmarshalJSON takes anything.
func (*Ignored) UnmarshalJSON([]byte) error { return nil }

// DecodeJSON reads a body of at most limit bytes into v, strictly: one JSON value of UTF-8 in application/json,
// every member known by its exact name and given once. Types with their own UnmarshalJSON, maps and raw
// messages are open. The error is a *Refused with the name of the member at most, never a value.
func DecodeJSON(r *http.Request, limit int64, v any) error {
	body, err := readBody(r, limit)
	if err != nil {
		return err
	}
	return decodeBody(r, body, v)
}

// DecodeOptionalJSON is DecodeJSON for a call whose body may be left out: then v stays as it is.
func DecodeOptionalJSON(r *http.Request, limit int64, v any) error {
	body, err := readBody(r, limit)
	if err != nil || len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return err
	}
	return decodeBody(r, body, v)
}

func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if _, over := errors.AsType[*http.MaxBytesError](err); over || int64(len(body)) > limit {
		return nil, &HTTPError{Status: http.StatusRequestEntityTooLarge, Kind: KindTooLarge}
	}
	if err != nil {
		return nil, &HTTPError{Status: http.StatusBadRequest, Kind: KindMalformed} // cut off, or too slow
	}
	return body, nil
}

func decodeBody(r *http.Request, body []byte, v any) error {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || media != mediaJSON || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return &HTTPError{Status: http.StatusUnsupportedMediaType, Kind: KindMedia}
	}
	return ParseJSON(body, v)
}

// ParseJSON is DecodeJSON for bytes at hand.
func ParseJSON(body []byte, v any) error {
	// RFC 8259 section 8.1: JSON between systems is UTF-8. encoding/json would put U+FFFD in its place.
	if !utf8.Valid(body) {
		return malformed()
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	s := strict{d}
	if err := s.value(reflect.TypeOf(v), "", 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return malformed()
	}
	err := json.Unmarshal(body, v)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &HTTPError{Status: http.StatusBadRequest, Kind: KindMember, Member: memberName(e.Field)}
	}
	if e, ok := errors.AsType[*HTTPError](err); ok {
		return e
	}
	if err != nil {
		return malformed()
	}
	return nil
}

// strict walks a body beside the type that it is for. encoding/json takes the last of two equal members and
// matches names in any case; either lets two readers of one body disagree about it (RFC 8259 section 4).
type strict struct{ d *json.Decoder }

func (s strict) value(t reflect.Type, path string, depth int) error {
	if depth > maxDepth {
		return malformed()
	}
	token, err := s.d.Token()
	if err != nil {
		return malformed()
	}
	switch token {
	case json.Delim('{'):
		return s.object(t, path, depth)
	case json.Delim('['):
		return s.array(t, path, depth)
	}
	return nil
}

func (s strict) object(t reflect.Type, path string, depth int) error {
	known := members(t)
	seen := map[string]bool{}
	for s.d.More() {
		token, err := s.d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return malformed()
		}
		at := name
		if path != "" {
			at = path + "." + name
		}
		if seen[name] {
			return &HTTPError{Status: http.StatusBadRequest, Kind: KindDuplicate, Member: memberName(at)}
		}
		seen[name] = true
		inner := reflect.Type(nil)
		if known != nil {
			if inner, ok = known[name]; !ok {
				return &HTTPError{Status: http.StatusBadRequest, Kind: KindUnknown, Member: memberName(at)}
			}
		}
		if err := s.value(inner, at, depth+1); err != nil {
			return err
		}
	}
	return s.closing()
}

func (s strict) array(t reflect.Type, path string, depth int) error {
	inner := reflect.Type(nil)
	if t = plain(t); t != nil && t.Kind() == reflect.Slice {
		inner = t.Elem()
	}
	for s.d.More() {
		if err := s.value(inner, path, depth+1); err != nil {
			return err
		}
	}
	return s.closing()
}

func (s strict) closing() error {
	if _, err := s.d.Token(); err != nil {
		return malformed()
	}
	return nil
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// plain is the type behind pointers, or nil for one that is open.
func plain(t reflect.Type) reflect.Type {
	for t != nil {
		if t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler) {
			return nil
		}
		if t.Kind() != reflect.Pointer {
			return t
		}
		t = t.Elem()
	}
	return nil
}

// members are the names and types of a struct's members; nil when any name will do.
func members(t reflect.Type) map[string]reflect.Type {
	t = plain(t)
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	out := make(map[string]reflect.Type, t.NumField())
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "": // its members are this one's
			maps.Copy(out, members(f.Type))
		case name != "" && name != "-":
			out[name] = f.Type
		}
	}
	return out
}

// memberPattern is what APIs call their members: at most 31 letters and underlines, then two digits. No code, key, token or
// link of ours looks like that: they are longer, or have digits or hyphens among their letters.
var memberPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z_]{0,30}[0-9]{0,2}(\.[A-Za-z][A-Za-z_]{0,30}[0-9]{0,2})*$`)

// memberName is a member's name as an answer may show it. What is no name, a secret in the wrong place perhaps, is not
// repeated.
func memberName(name string) string {
	if len(name) > 64 || !memberPattern.MatchString(name) {
		return ""
	}
	return name
}

func malformed() error { return &HTTPError{Status: http.StatusBadRequest, Kind: KindMalformed} }
