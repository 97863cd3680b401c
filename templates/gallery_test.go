package templates_test

import (
	"errors"
	"flag"
	"fmt"
	"html"
	"net/http"
	"os"
	"strings"
	"testing"

	"barillet/static"
	"barillet/templates"
)

// go test ./templates -gallery localhost:8099 serves every page in every state:
// /, /page/fr/login, and /sheet?lang=fr&w=390&h=844&names=login,factor for several beside one another.
var (
	gallery = flag.String("gallery", "", "serve the pages on this address instead of testing")
	accent  = flag.String("accent", "", "accent colour of the gallery")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *gallery == "" {
		os.Exit(m.Run())
	}
	if err := serveGallery(*gallery); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveGallery(address string) error {
	files, err := static.New(*accent)
	if err != nil {
		return err
	}
	r, err := templates.New(templates.Brand{Support: templates.Support{Email: "aide@garage.example", Phone: "+33 1 23 45 67 89"}}, files.URL)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(static.Prefix, files)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		for _, lang := range templates.Languages() {
			for _, s := range templates.Gallery(lang) {
				fmt.Fprintf(w, "<p><a href=\"/page/%s/%s\">%[1]s %[2]s</a>\n", lang, s.Name)
			}
		}
	})
	mux.HandleFunc("GET /sheet", func(w http.ResponseWriter, req *http.Request) {
		q := req.URL.Query()
		for name := range strings.SplitSeq(q.Get("names"), ",") {
			fmt.Fprintf(w, "<iframe src=\"/page/%s/%s\" width=\"%s\" height=\"%s\"></iframe>\n", html.EscapeString(q.Get("lang")), html.EscapeString(name), html.EscapeString(q.Get("w")), html.EscapeString(q.Get("h")))
		}
	})
	mux.HandleFunc("GET /page/{lang}/{name}", func(w http.ResponseWriter, req *http.Request) {
		for _, s := range templates.Gallery(req.PathValue("lang")) {
			if s.Name == req.PathValue("name") {
				w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'")
				err = errors.Join(err, r.Page(w, s.Page))
				return
			}
		}
		http.NotFound(w, req)
	})
	mux.HandleFunc("GET /mail/{lang}/{n}", func(w http.ResponseWriter, req *http.Request) {
		for i, m := range templates.GalleryMails() {
			if fmt.Sprint(i) == req.PathValue("n") {
				_, _, page, err := r.Mail(req.PathValue("lang"), m)
				if err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
				fmt.Fprint(w, page)
			}
		}
	})
	return http.ListenAndServe(address, mux)
}
