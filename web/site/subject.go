package site

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"mime"
	"net/http"
	"slices"
	"strings"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/templates"
)

// Subject is the user for whom a page acts: the user of the session or, at a sign-in, of the transaction. The zero
// Subject is nobody.
type Subject struct {
	User account.UserID
	Name string
	path string // the page that continues for this user
}

// subjectHeader contains the subject of the page whose script sends a request. Forms have the field "subject".
const subjectHeader = "Barillet-Subject"

// atSignIn reports whether the page at a path acts for the user of the transaction.
func atSignIn(path string) bool {
	return strings.HasPrefix(path, "/login/") || path == "/enrol" || strings.HasPrefix(path, "/enrol/")
}

// findSubject sets the subject of a request. Pages of enrolment act for the transaction if it may enrol, else for the
// session. A transaction of another user than the session's is ignored: no page acts for two users.
func (s *Site) findSubject(ctx context.Context, r *http.Request, v *Visitor) error {
	if v.SignedIn() {
		v.Subject = Subject{User: v.Info.User, Name: v.Info.Name, path: "/account"}
	}
	if v.Transaction.IsZero() || !v.SignedIn() && !atSignIn(r.URL.Path) {
		return nil
	}
	t, err := s.Authn.TransactionUser(ctx, v.Transaction)
	switch {
	case errcode.Of(err) == errcode.Expired:
		return nil
	case err != nil:
		return err
	case v.SignedIn() && v.Info.User != t.ID:
		v.Transaction = secret.Value{}
		return nil
	}
	v.transaction, v.account = v.Transaction.Key(), t.ID
	if atSignIn(r.URL.Path) && (t.Step == authn.StepEnrol || strings.HasPrefix(r.URL.Path, "/login/")) {
		v.Subject = Subject{User: t.ID, Name: t.Name, path: StepPath(t.Step)}
	}
	return nil
}

// SubjectToken names a user in the forms of a page. Its MAC shows that the service made it.
func (s *Site) SubjectToken(id account.UserID) string {
	if id == "" {
		return ""
	}
	return string(id) + "." + base64.RawURLEncoding.EncodeToString(s.Accounts.Pepper.MAC("subject of a page", []byte(id))[:16])
}

// OtherUser is the error of a request that would act for another user than its page or its link was made for. It has
// no effect.
type OtherUser struct {
	Link bool   // a link for another user than the signed-in one was opened
	was  string // subject of the page
	at   string // page to open after the sign-out
}

func (e *OtherUser) Error() string { return "the page is for another user" }

// checkSubject returns OtherUser if a form was rendered for another user than the one for whom it would act now. If it
// would act for nobody, the handler decides.
func (s *Site) checkSubject(r *http.Request) error {
	v := VisitorOf(r)
	if r.Method == http.MethodGet || r.Method == http.MethodHead || v.Subject.User == "" {
		return nil
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == formType {
		if err := parseForm(r); err != nil {
			return err
		}
	}
	if s.FromSubject(r) {
		return nil
	}
	return &OtherUser{was: sentSubject(r), at: r.URL.EscapedPath()}
}

// FromSubject reports whether a form, which was parsed, or a script's request comes from a page that was rendered for
// the subject of the request.
func (s *Site) FromSubject(r *http.Request) bool {
	return hmac.Equal([]byte(sentSubject(r)), []byte(s.SubjectToken(VisitorOf(r).Subject.User)))
}

func sentSubject(r *http.Request) string {
	if r.PostForm != nil {
		return r.PostForm.Get("subject")
	}
	return r.Header.Get(subjectHeader)
}

// CheckLink returns OtherUser if another user than the one of a link is signed in.
func (s *Site) CheckLink(r *http.Request, user account.UserID) error {
	if v := VisitorOf(r); v.SignedIn() && v.Info.User != user {
		return &OtherUser{Link: true, at: r.URL.EscapedPath()}
	}
	return nil
}

// renderOtherUser says for whom the page was made and who is signed in. The user can stay, or sign out and open the
// page again.
func (s *Site) renderOtherUser(w http.ResponseWriter, r *http.Request, e *OtherUser) error {
	subject := VisitorOf(r).Subject
	page := templates.OtherUser{Base: s.BaseAt(r, "/"), Link: e.Link, Now: subject.Name, Stay: WithNext(subject.path, Next(r)), Restart: WithNext("/login", Next(r))}
	next, ok := LocalPath(r.PostForm.Get("next"))
	switch isLink := e.Link || linkPath(e.at); {
	case isLink:
		page.Restart = e.at
	case e.at == "/login" && ok:
		page.Stay, page.Restart = next, WithQuery("/login", "next", next)
	}
	id, _, _ := strings.Cut(e.was, ".")
	if e.was != "" && hmac.Equal([]byte(e.was), []byte(s.SubjectToken(account.UserID(id)))) {
		err := s.Accounts.View(r.Context(), func(read account.Reader) error {
			u, err := read.User(account.UserID(id))
			page.Was = u.DisplayName()
			return err
		})
		if err != nil && errcode.Of(err) != errcode.NotFound {
			return err
		}
	}
	status := http.StatusConflict
	if e.Link && r.Method == http.MethodGet {
		status = http.StatusOK
	}
	return s.Render(w, status, page)
}

// LinkPaths returns the paths of emailed links and of the setup link. Their next segment is a credential.
func LinkPaths() []string {
	return []string{"/invite/", "/ticket/", "/password/", "/freeze/", "/setup/"}
}

// linkPath reports whether a path is that of such a link.
func linkPath(path string) bool {
	return slices.ContainsFunc(LinkPaths(), func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}
