package console

import (
	"context"
	"net/http"
	"net/url"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/throttle"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

const mailPath = "/console/mail"

// registerMail registers the pages of the outbox.
func (c *Pages) registerMail(r *site.Router) {
	c.Get(r, mailPath, c.getMail)
	for _, o := range []struct {
		name   string
		do     func(context.Context, admin.Principal, account.RequestInfo, string) error
		danger bool
	}{{"retry", c.Directory.Admin.RetryMail, false}, {"drop", c.Directory.Admin.DropMail, true}} {
		c.Act(r, shell.Act{Name: "mail_" + o.name, Path: mailPath + "/{mid}/" + o.name, Section: "mail", Need: admin.PermManage, Budget: throttle.APIWrites,
			Danger: o.danger, Reason: true, Open: c.openMail,
			Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
				return shell.Outcome{}, o.do(ctx, p, from, in.Path("mid"))
			}})
	}
}

func (c *Pages) getMail(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	ctx := r.Context()
	queue, err := c.Directory.Admin.CountMail(ctx, p)
	if err != nil {
		return err
	}
	after, err := shell.Cursor(r)
	if err != nil {
		return err
	}
	found, next, err := c.Directory.Admin.DeadLetters(ctx, p, after, shell.RowsPerPage)
	if err != nil {
		return err
	}
	ids := make([]string, len(found))
	for i, m := range found {
		ids[i] = m.Recipient
	}
	names, err := c.Directory.Admin.Names(ctx, p, ids)
	if err != nil {
		return err
	}
	page := view.Mail{Base: c.Base(r, p, "mail"), Waiting: queue.Waiting, Dead: queue.Dead, Over: queue.More, More: shell.MorePath(r, next), CanChange: p.Allows(admin.PermManage)}
	for _, m := range found {
		page.Letters = append(page.Letters, view.DeadLetter{Path: mailPath + "/" + url.PathEscape(m.ID), Kind: m.Template, To: m.To, Recipient: shell.UserNamed(names, m.Recipient, ""),
			Queued: m.Queued, Tried: m.Tried, Died: m.Died, Attempts: m.Attempts, Error: shell.ShortLine(m.LastError), CanRetry: m.CanRetry(c.Now())})
	}
	return c.Render(w, http.StatusOK, page)
}

func (c *Pages) openMail(r *http.Request, p admin.Principal) (shell.Form, error) {
	m, err := c.Directory.Admin.DeadLetter(r.Context(), p, r.PathValue("mid"))
	return shell.Form{Subject: m.To, Back: mailPath}, err
}
