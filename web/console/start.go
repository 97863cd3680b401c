package console

import (
	"net/http"
	"time"

	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/internal/mail"
	"barillet/store"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web/site"
)

const (
	maxShownRequests = 99  // of those that nobody has
	maxShownRisks    = 200 // one page of directory.LockoutRisk
	maxShownMails    = 500 // one page of mail.Outbox
	chartDays        = 7
)

func (c *Pages) registerStart(r *site.Router) { c.Get(r, "/console", c.getStart) }

func (c *Pages) getStart(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	ctx := r.Context()
	page := view.Start{Base: c.Base(r, p, "start")}
	open, err := c.Directory.HelpDesk.CountOpen(ctx, p, maxShownRequests)
	if err != nil {
		return err
	}
	if page.Open, page.MoreOpen = open.N, open.More; open.N > 0 {
		age := c.age(open.Oldest)
		page.Oldest = &age
	}
	risks, more, err := c.Directory.LockoutRisk(ctx, p, directory.RiskQuery{Kind: directory.RiskUser})
	if err != nil {
		return err
	}
	page.AtRisk, page.MoreAtRisk = len(risks), more != ""
	days, err := c.Directory.SignIns(ctx, p, chartDays, "")
	if err != nil {
		return err
	}
	for _, d := range days {
		page.Days = append(page.Days, view.Day{At: d.Start, SignIns: d.SignIns, Refused: d.WrongPasswords + d.WrongCodes + d.Inactive + d.UnknownLogins})
	}
	view.Place(page.Days)
	if !p.Scoped() {
		if page.Mail, err = c.mailSize(r); err != nil {
			return err
		}
	}
	return c.Render(w, http.StatusOK, page)
}

// mailSize returns the size of the mail queue, as far as one page of it shows.
func (c *Pages) mailSize(r *http.Request) (*view.MailSize, error) {
	var out view.MailSize
	err := c.Directory.Admin.Accounts.Store.View(r.Context(), func(s store.Snapshot) error {
		out = view.MailSize{}
		all, more, err := c.Outbox.Items(s, mail.List{Limit: maxShownMails})
		for _, m := range all {
			if m.Dead {
				out.Dead++
			} else {
				out.Waiting++
			}
		}
		out.More = more != ""
		return err
	})
	return &out, err
}

// age returns how long ago a time was.
func (c *Pages) age(t time.Time) templates.Message {
	switch d := max(c.Now().Sub(t), 0); {
	case d < time.Hour:
		return templates.Message{Key: "age.minutes", N: int(d / time.Minute)}
	case d < 48*time.Hour:
		return templates.Message{Key: "age.hours", N: int(d / time.Hour)}
	default:
		return templates.Message{Key: "age.days", N: int(d / (24 * time.Hour))}
	}
}
