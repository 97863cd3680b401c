package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"slices"

	"barillet/internal/errcode"
	"barillet/internal/mail"
	"barillet/templates"
)

// mailID returns the ID of an email in a path, which must not contain the Message-ID itself.
func mailID(e mail.Envelope) string {
	sum := sha256.Sum256([]byte(e.MessageID))
	return hex.EncodeToString(sum[:8])
}

// getMailbox lists the emails of the demonstration, which are not delivered.
func (s *server) getMailbox(w http.ResponseWriter, r *http.Request) error {
	page := templates.Mailbox{Base: s.Base(r)}
	for _, e := range s.Demo.List() {
		page.Mails = append(page.Mails, templates.MailHead{ID: mailID(e), To: e.To, Subject: e.Subject, At: e.Date})
	}
	return s.Render(w, http.StatusOK, page)
}

func (s *server) getMail(w http.ResponseWriter, r *http.Request) error {
	for _, e := range s.Demo.List() {
		if mailID(e) == r.PathValue("id") {
			links := regexp.MustCompile(regexp.QuoteMeta(s.PublicURL)+`/[A-Za-z0-9_/?=&.-]*[A-Za-z0-9_-]`).FindAllString(e.Text, 8)
			slices.Sort(links)
			return s.Render(w, http.StatusOK, templates.MailView{Base: s.Base(r), MailHead: templates.MailHead{ID: mailID(e), To: e.To, Subject: e.Subject, At: e.Date}, Text: e.Text, Links: slices.Compact(links)})
		}
	}
	return errcode.New(errcode.NotFound)
}
