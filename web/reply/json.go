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

// maxDepth is the maximum depth of a body. No request needs more than ten.
const maxDepth = 32

// JSON writes v with the status. If the encoding fails, it writes nothing.
func JSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding response: %w", err)
	}
	write(w, status, mediaJSON, append(body, '\n'))
	return nil
}

// WritePNG writes an image that must not be stored.
func WritePNG(w http.ResponseWriter, png []byte) { write(w, http.StatusOK, "image/png", png) }

func write(w http.ResponseWriter, status int, media string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only if the client is gone
}

// Ignored is a member that a call accepts and ignores, such as a read-only member of Okta's model.
type Ignored struct{}

// UnmarshalJSON implements json.Unmarshaler. It accepts any value.
func (*Ignored) UnmarshalJSON([]byte) error { return nil }

// DecodeJSON decodes a body of at most limit bytes into v. The body must be one JSON value in UTF-8 with the media type
// application/json. An unknown or duplicate member is an error, and names are case-sensitive. Types with UnmarshalJSON,
// maps and raw messages accept any member. The error is an HTTPError with at most the name of a member.
func DecodeJSON(r *http.Request, limit int64, v any) error {
	body, err := readBody(r, limit)
	if err != nil {
		return err
	}
	return decodeBody(r, body, v)
}

// DecodeOptionalJSON is DecodeJSON for a call whose body can be absent. It does not change v then.
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
		return nil, &HTTPError{Status: http.StatusBadRequest, Kind: KindMalformed} // truncated, or too slow
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

// ParseJSON is DecodeJSON for a body that was read already.
func ParseJSON(body []byte, v any) error {
	// RFC 8259 §8.1 requires UTF-8. encoding/json would replace invalid bytes by U+FFFD.
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

// strict compares a body with the type that it is for. encoding/json uses the last of two equal members and ignores the
// case of names, so two readers of a body could disagree about it (RFC 8259 §4).
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

// plain returns the type behind pointers, or nil for a type that accepts any member.
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

// members returns names and types of the members of a struct, or nil if any name is valid.
func members(t reflect.Type) map[string]reflect.Type {
	t = plain(t)
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	out := make(map[string]reflect.Type, t.NumField())
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "": // an embedded struct
			maps.Copy(out, members(f.Type))
		case name != "" && name != "-":
			out[name] = f.Type
		}
	}
	return out
}

// memberPattern matches names of members: at most 31 letters and underscores, then at most two digits. Codes, keys,
// tokens and links are longer, or have digits or hyphens between letters.
var memberPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z_]{0,30}[0-9]{0,2}(\.[A-Za-z][A-Za-z_]{0,30}[0-9]{0,2})*$`)

// memberName returns a name that a response may contain, or "". A text that is no name could be a secret.
func memberName(name string) string {
	if len(name) > 64 || !memberPattern.MatchString(name) {
		return ""
	}
	return name
}

func malformed() error { return &HTTPError{Status: http.StatusBadRequest, Kind: KindMalformed} }
