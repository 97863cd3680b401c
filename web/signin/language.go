package signin

import (
	"net/http"

	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/site"
)

// postLanguage stores a language in this browser and, if the page was rendered for the user of the session, in the
// account. It answers with the page, which contains again what was typed: pages serves it. Passwords and codes are not
// kept.
func (s *Pages) postLanguage(pages *http.ServeMux) site.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f, err := site.ReadForm(r, "lang", "at", "identifier", "email", "topic", "message", "name", "first", "last")
		if err != nil {
			return err
		}
		lang := f["lang"]
		if !templates.IsLanguage(lang) {
			return errcode.InvalidField("lang", "unknown")
		}
		if v := site.VisitorOf(r); v.SignedIn() && s.FromSubject(r) {
			if err := s.Authn.SetLocale(r.Context(), site.RequestInfo(r), v.Session, lang); err != nil {
				return err
			}
		}
		s.SetLanguage(w, lang)
		at, ok := site.LocalPath(f["at"])
		if !ok {
			at = "/"
		}
		delete(f, "lang")
		delete(f, "at")
		if len(f) > 0 {
			if again, err := site.WithTyped(r, at, lang, f); err == nil {
				if _, pattern := pages.Handler(again); pattern != "" {
					pages.ServeHTTP(w, again)
					return nil
				}
			}
		}
		return site.Redirect(w, at)
	}
}
