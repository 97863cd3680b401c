package web

import (
	"net/http"

	"barillet/web/reply"
	"barillet/web/site"
)

// docsPath is the path of the API description. It is below apiPrefix, but its answers are pages.
const docsPath = apiPrefix + "docs"

// registerDocs registers the pages of the API description. It also answers other methods, because the mux would pass
// them to the API.
func (s *server) registerDocs(router *site.Router) {
	for _, path := range []string{docsPath, docsPath + "/{area}"} {
		router.Page("GET "+path, s.getDocs)
		router.Mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			s.writeError(w, r, &reply.HTTPError{Status: http.StatusMethodNotAllowed, Kind: reply.KindMethod, Allow: "GET, HEAD"})
		})
	}
}

func (s *server) getDocs(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Docs()
	if err != nil {
		return err
	}
	page, ok := d.Page(s.Base(r), r.PathValue("area"))
	if !ok {
		return &reply.HTTPError{Status: http.StatusNotFound, Kind: reply.KindNoRoute}
	}
	return s.Render(w, http.StatusOK, page)
}
