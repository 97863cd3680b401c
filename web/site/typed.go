package site

import (
	"context"
	"net/http"
	"net/url"
)

// typed is what a user typed into a page before the language was switched.
type typed struct {
	fields Form
	lang   string
}

type typedKey struct{}

// WithTyped returns the request for the page at a path in another language, with what was typed into it.
func WithTyped(r *http.Request, path, lang string, fields Form) (*http.Request, error) {
	u, err := url.ParseRequestURI(path)
	if err != nil {
		return nil, err
	}
	again := r.Clone(context.WithValue(r.Context(), typedKey{}, typed{fields, lang}))
	again.Method, again.URL, again.Body, again.ContentLength = http.MethodGet, u, http.NoBody, 0
	again.Form, again.PostForm = nil, nil
	again.Header.Del("Content-Type")
	return again, nil
}

// Typed returns what was typed into the page of a request; nil if the language was not switched.
func Typed(r *http.Request) Form {
	t, _ := r.Context().Value(typedKey{}).(typed)
	return t.fields
}
