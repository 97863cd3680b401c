package console

import (
	"context"
	"net/http"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/handover"
	"barillet/authn/roster"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

// handOverPath is the path of the page of a handover, which its id follows.
const handOverPath = "/console/hand-overs/"

const (
	maxWitnesses   = 50      // colleagues that the form lists
	anotherWitness = "other" // the witness is the user whose login was typed
)

// registerHandOver registers the handing over of a code to a user who is present (protocol rule 9).
func (c *Pages) registerHandOver(r *site.Router) {
	c.Act(r, shell.Act{Name: "hand_over", Path: shell.PeoplePath + "/{id}/hand-over", Section: "people", Need: admin.PermReset, Budget: throttle.APIWrites, Reason: true,
		Open: c.openHandOver, Run: c.beginHandOver})
	c.Get(r, handOverPath+"{oid}", c.getHandOver)
	c.Act(r, shell.Act{Name: "hand_over_code", Path: handOverPath + "{oid}/code", Section: "people", Need: admin.PermReset, Budget: throttle.APIWrites, Danger: true,
		Open: c.openHandedCode, Run: c.showHandedCode})
	c.Act(r, shell.Act{Name: "hand_over_cancel", Path: handOverPath + "{oid}/cancel", Section: "people", Need: admin.PermRead, Budget: throttle.NeverRefused, Repeatable: true,
		Open: c.openLiveHandOver,
		Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
			return shell.Outcome{}, c.Handover.Cancel(ctx, p, from, in.Path("oid"))
		}})
}

// openHandOver returns the form that names the witness. It leads to a handover of p that has not ended.
func (c *Pages) openHandOver(r *http.Request, p admin.Principal) (shell.Form, error) {
	f, err := c.openPerson(r, p)
	if err != nil {
		return f, err
	}
	switch h, err := c.Handover.Of(r.Context(), p, r.PathValue("id")); {
	case err == nil && liveHandOver(h) && string(h.By) == p.Owner && r.Method == http.MethodGet:
		return f, &site.WrongStep{Path: handOverPath + h.ID}
	case err != nil && errcode.Of(err) != errcode.NotFound:
		return f, err
	}
	witness := view.Field{Name: "witness", Kind: "choice", HasHint: true}
	if witness.Options, err = c.witnesses(r, p); err != nil {
		return f, err
	}
	if len(witness.Options) > 0 {
		witness.Options = append(witness.Options, view.Option{Value: anotherWitness, Words: "handover.another"})
		f.Fields = append(f.Fields, witness)
	}
	f.Fields = append(f.Fields, view.Field{Name: "other_witness", Kind: "text", Optional: len(witness.Options) > 0, HasHint: true})
	return f, nil
}

// witnesses lists the colleagues of a user whom p may read: those who can be a witness first, then the others with the reason.
func (c *Pages) witnesses(r *http.Request, p admin.Principal) (out []view.Option, err error) {
	u, err := c.Directory.Admin.User(r.Context(), p, r.PathValue("id"))
	if err != nil || len(u.Groups) == 0 {
		return nil, err
	}
	colleagues, _, err := c.Directory.Users(r.Context(), p, roster.UserQuery{Group: u.Groups[0], Limit: maxWitnesses})
	if err != nil {
		return nil, err
	}
	var ids []account.UserID
	for i := range colleagues {
		ids = append(ids, colleagues[i].ID)
	}
	reasons, err := c.Handover.Refusals(r.Context(), p, string(u.ID), ids)
	if err != nil {
		return nil, err
	}
	var refused []view.Option
	for i := range colleagues {
		o := view.Option{Value: string(ids[i]), Text: colleagues[i].DisplayName()}
		switch reasons[i] {
		case handover.RefusalNone:
			out = append(out, o)
		case handover.RefusalOneself, handover.RefusalInactive:
		default:
			o.Refused = templates.Key("handover.refusal_" + string(reasons[i]))
			refused = append(refused, o)
		}
	}
	return append(out, refused...), nil
}

// beginHandOver asks the witness.
func (c *Pages) beginHandOver(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	witness := strings.TrimSpace(in.Get("other_witness"))
	if witness == "" && in.Get("witness") != anotherWitness {
		witness = in.Get("witness")
	}
	if witness == "" {
		return shell.Outcome{}, errcode.InvalidField("other_witness", "empty")
	}
	h, err := c.Handover.Begin(ctx, p, from, site.VisitorOf(in.Request).Session, handover.Request{User: in.Path("id"), Witness: witness, Reason: from.Reason})
	return shell.Outcome{Next: handOverPath + h.ID + "?done=hand_over"}, err
}

// liveHandOver reports whether a handover can continue.
func liveHandOver(h handover.Handover) bool {
	return h.State == handover.StateAsked || h.State == handover.StateConfirmed
}

// ownHandOver returns the handover in the path. That of another administrator does not exist.
func (c *Pages) ownHandOver(r *http.Request, p admin.Principal) (handover.Handover, error) {
	h, err := c.Handover.Handover(r.Context(), p, r.PathValue("oid"))
	if err == nil && string(h.By) != p.Owner {
		err = errcode.New(errcode.NotFound)
	}
	return h, err
}

// getHandOver shows how far a handover is. The script of the page reads it again every two seconds.
func (c *Pages) getHandOver(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	h, err := c.ownHandOver(r, p)
	if err != nil {
		return err
	}
	person := shell.PeoplePath + "/" + string(h.User)
	return c.Render(w, http.StatusOK, view.HandOver{Base: c.Base(r, p, "people"), Subject: h.Name, Witness: h.WitnessName, State: string(h.State), Until: h.Until,
		Action: handOverPath + h.ID, Back: person, Retry: person + "/hand-over", Live: liveHandOver(h)})
}

func (c *Pages) openLiveHandOver(r *http.Request, p admin.Principal) (shell.Form, error) {
	h, err := c.ownHandOver(r, p)
	f := shell.Form{Subject: h.Name, Back: handOverPath + h.ID}
	if err == nil && !liveHandOver(h) && r.Method == http.MethodGet {
		err = &site.WrongStep{Path: f.Back}
	}
	return f, err
}

// openHandedCode returns the form that shows the code. Until the witness has confirmed, and afterwards, it leads to the page that says so.
func (c *Pages) openHandedCode(r *http.Request, p admin.Principal) (shell.Form, error) {
	h, err := c.ownHandOver(r, p)
	f := shell.Form{Subject: h.Name, Back: handOverPath + h.ID}
	if err == nil && h.State != handover.StateConfirmed && r.Method == http.MethodGet {
		err = &site.WrongStep{Path: f.Back}
	}
	return f, err
}

// showHandedCode resets the user and shows the code, once.
func (c *Pages) showHandedCode(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	h, err := c.ownHandOver(in.Request, p)
	if err != nil {
		return shell.Outcome{}, err
	}
	result, err := c.Handover.Complete(ctx, p, from, h.ID)
	if err != nil {
		return shell.Outcome{}, err
	}
	return shell.Outcome{Page: view.HandedCode{Base: c.Base(in.Request, p, "people"), Subject: h.Name, Code: result.Code.Reveal(), Until: result.TicketExpires,
		Back: shell.PeoplePath + "/" + string(h.User)}}, nil
}
