package site

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"barillet/web/reply"
)

// fieldLimits is the maximum length of each field, in bytes. A longer value is answered with 413. The limits are
// higher than those that the pages explain beside a field.
var fieldLimits = map[string]int{
	"identifier": 1 << 10, "email": 1 << 10,
	"password": 16 << 10, "current": 16 << 10,
	"code": 256, "ticket": 256, "copy": 64, "digits": 64, "role": 64,
	"name": 1 << 10, "first": 1 << 10, "last": 1 << 10, "device": 64, "kind": 64, "app": 64, "kept": 16, "list": 64,
	"topic": 64, "message": 32 << 10,
	"next": maxLocalPath, "at": maxLocalPath, "lang": 64,
	"request": 128, "decision": 8,
}

// Form contains the fields of a POST. A field that was not sent is "".
type Form map[string]string

// ReadForm reads the named fields and ignores all others. It returns an error if a field is repeated, is not UTF-8, or
// exceeds its limit.
func ReadForm(r *http.Request, names ...string) (Form, error) {
	if err := checkMedia(r); err != nil {
		return nil, err
	}
	if err := parseForm(r); err != nil {
		return nil, err
	}
	out := Form{}
	for _, name := range names {
		values := r.PostForm[name]
		if len(values) == 0 {
			continue
		}
		switch v := values[0]; {
		case len(values) > 1:
			return nil, &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindDuplicate, Member: name}
		case len(v) > fieldLimits[name]:
			return nil, &reply.HTTPError{Status: http.StatusRequestEntityTooLarge, Kind: reply.KindTooLarge, Member: name}
		case !utf8.ValidString(v):
			return nil, &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindMalformed, Member: name}
		default:
			out[name] = v
		}
	}
	return out, nil
}

// ReadValues reads all fields of a form, which the caller limits. It returns an error if one is not UTF-8.
func ReadValues(r *http.Request) (url.Values, error) {
	if err := checkMedia(r); err != nil {
		return nil, err
	}
	if err := parseForm(r); err != nil {
		return nil, err
	}
	for name, values := range r.PostForm {
		if slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) }) {
			return nil, &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindMalformed, Member: name}
		}
	}
	return r.PostForm, nil
}

// checkMedia returns an error if a body is not a form.
func checkMedia(r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != formType {
		return &reply.HTTPError{Status: http.StatusUnsupportedMediaType, Kind: reply.KindMedia}
	}
	return nil
}

const formType = "application/x-www-form-urlencoded"

// parseForm parses the fields of a request.
func parseForm(r *http.Request) error {
	err := r.ParseForm()
	if err == nil {
		return nil
	}
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return &reply.HTTPError{Status: http.StatusRequestEntityTooLarge, Kind: reply.KindTooLarge}
	}
	return &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindMalformed}
}

// maxAnswer is the maximum size of a KeyAnswer, in bytes.
const maxAnswer = 64 << 10

// KeyAnswer is the JSON object that the script for security keys sends.
type KeyAnswer struct {
	Answer json.RawMessage `json:"answer"`
	Name   string          `json:"name"`
	Next   string          `json:"next"`
}

// ReadKeyAnswer reads a KeyAnswer.
func ReadKeyAnswer(r *http.Request) (KeyAnswer, error) {
	var a KeyAnswer
	if err := reply.DecodeJSON(r, maxAnswer, &a); err != nil {
		return KeyAnswer{}, err
	}
	if len(a.Name) > fieldLimits["name"] || len(a.Next) > fieldLimits["next"] {
		return KeyAnswer{}, &reply.HTTPError{Status: http.StatusRequestEntityTooLarge, Kind: reply.KindTooLarge}
	}
	return a, nil
}

// Missing returns the first of the fields that is empty; "" if there is none.
func (f Form) Missing(names ...string) string {
	for _, name := range names {
		if f[name] == "" {
			return name
		}
	}
	return ""
}
