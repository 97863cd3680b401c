package console

import (
	"context"
	"net/http"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/throttle"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

// requestAct is an operation on a help request.
type requestAct struct {
	name, key string
	path      string // after that of the request
	reset     bool   // needs PermReset and a reason, and asks for an identity check
	check     bool   // needs PermVouch and asks for an identity check
	fields    func(q *helpdesk.Request) []view.Field
	patch     func(in shell.Input, q *helpdesk.Request) helpdesk.RequestPatch // nil: reset
}

// send reports whether the operation needs no more than its button.
func (a *requestAct) send() bool { return a.fields == nil }

// maxText is the maximum length of a note or an answer, in characters.
const maxText = 2000

func fixed(patch helpdesk.RequestPatch) func(shell.Input, *helpdesk.Request) helpdesk.RequestPatch {
	return func(shell.Input, *helpdesk.Request) helpdesk.RequestPatch { return patch }
}

func textarea(name string, hint bool) func(*helpdesk.Request) []view.Field {
	return func(*helpdesk.Request) []view.Field {
		return []view.Field{{Name: name, Kind: "textarea", Max: maxText, HasHint: hint}}
	}
}

var (
	me, nobody = helpdesk.Me, ""

	takeRequest     = requestAct{name: "request_take", key: "t", path: "take", patch: fixed(helpdesk.RequestPatch{Assignee: &me})}
	giveBackRequest = requestAct{name: "request_give_back", key: "b", path: "give-back", patch: fixed(helpdesk.RequestPatch{Assignee: &nobody})}
	takeOverRequest = requestAct{name: "request_take_over", key: "o", path: "take-over", patch: fixed(helpdesk.RequestPatch{Assignee: &me, TakeOver: true})}
	resolveRequest  = requestAct{name: "request_resolve", key: "c", path: "resolve", patch: fixed(helpdesk.RequestPatch{Status: helpdesk.StateResolved})}
	reopenRequest   = requestAct{name: "request_reopen", key: "u", path: "reopen", patch: fixed(helpdesk.RequestPatch{Status: helpdesk.StateInProgress})}
	noteRequest     = requestAct{name: "request_note", key: "e", path: "note", fields: textarea("note", false),
		patch: func(in shell.Input, _ *helpdesk.Request) helpdesk.RequestPatch {
			return helpdesk.RequestPatch{Note: in.Get("note")}
		}}
	answerRequest = requestAct{name: "request_answer", key: "a", path: "answer", fields: textarea("answer", true),
		patch: func(in shell.Input, _ *helpdesk.Request) helpdesk.RequestPatch {
			return helpdesk.RequestPatch{Answer: in.Get("answer"), Status: helpdesk.StateResolved}
		}}
	rejectRequest = requestAct{name: "request_reject", key: "x", path: "reject", fields: textarea("words", true),
		patch: func(in shell.Input, q *helpdesk.Request) helpdesk.RequestPatch {
			patch := helpdesk.RequestPatch{Status: helpdesk.StateRejected, Answer: in.Get("words")}
			if q.User == "" { // nothing proves whose the address is
				patch.Note, patch.Answer = patch.Answer, ""
			}
			return patch
		}}
	checkRequest = requestAct{name: "request_check", key: "i", path: "check", check: true, fields: func(*helpdesk.Request) []view.Field { return nil },
		patch: func(in shell.Input, _ *helpdesk.Request) helpdesk.RequestPatch {
			return helpdesk.RequestPatch{Check: identityCheck(in)}
		}}
	resetRequest = requestAct{name: "request_reset", key: "r", path: "reset", reset: true, fields: func(*helpdesk.Request) []view.Field {
		return []view.Field{{Name: "answer", Kind: "textarea", Max: maxText, HasHint: true, Optional: true}}
	}}
)

func (c *Pages) registerRequestActs(r *site.Router) {
	c.Act(r, shell.Act{Name: "request_next", Path: requestsPath + "/next", Section: "requests", Need: admin.PermHelp, Budget: throttle.APIWrites,
		Open: func(*http.Request, admin.Principal) (shell.Form, error) { return shell.Form{Back: requestsPath}, nil }, Run: c.takeNext})
	for _, a := range []requestAct{takeRequest, giveBackRequest, takeOverRequest, resolveRequest, reopenRequest, noteRequest, answerRequest, rejectRequest, checkRequest, resetRequest} {
		need := admin.PermHelp
		switch {
		case a.reset:
			need = admin.PermReset
		case a.check:
			need = admin.PermVouch
		}
		c.Act(r, shell.Act{Name: a.name, Path: requestsPath + "/{hid}/" + a.path, Section: "requests", Need: need, Budget: throttle.APIWrites, Danger: a.reset, Reason: a.reset,
			Open: func(r *http.Request, p admin.Principal) (shell.Form, error) { return c.openRequest(r, p, &a) },
			Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
				return c.runRequest(ctx, p, from, in, &a)
			}})
	}
	c.AddNotice("request_unanswered")
}

// openRequest returns the form of an operation on the request in the path.
func (c *Pages) openRequest(r *http.Request, p admin.Principal, a *requestAct) (shell.Form, error) {
	q, err := c.Directory.HelpDesk.Request(r.Context(), p, r.PathValue("hid"))
	if err != nil {
		return shell.Form{}, err
	}
	f := shell.Form{Subject: q.Reference, Back: requestsPath + "/" + q.ID}
	if a.fields != nil {
		f.Fields = a.fields(&q)
	}
	if a.check || a.reset {
		numbers, err := c.Directory.HelpDesk.NumbersOf(r.Context(), p, &q)
		if err != nil {
			return shell.Form{}, err
		}
		check := checkFields(numbers, a.check)
		check[0].Optional = a.reset && q.Identity != "" // the request has one already
		f.Fields = append(check, f.Fields...)
	}
	return f, nil
}

// runRequest performs an operation on a request.
func (c *Pages) runRequest(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input, a *requestAct) (shell.Outcome, error) {
	q, err := c.Directory.HelpDesk.Request(ctx, p, in.Path("hid"))
	if err != nil {
		return shell.Outcome{}, err
	}
	if a.reset {
		return c.resetRequest(ctx, p, from, in, &q)
	}
	_, err = c.Directory.HelpDesk.Patch(ctx, p, from, q.ID, a.patch(in, &q))
	return shell.Outcome{}, formError(err)
}

// resetRequest resets the user of a request and answers. The email with the ticket is the answer; words of the administrator are one more.
func (c *Pages) resetRequest(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input, q *helpdesk.Request) (shell.Outcome, error) {
	if q.User == "" {
		return shell.Outcome{}, errcode.WrongStateFor(errcode.ReasonUnknownAddress)
	}
	back := requestsPath + "/" + q.ID
	result, err := c.Directory.HelpDesk.Reset(ctx, p, from, string(q.User), helpdesk.ResetRequest{Reason: from.Reason, HelpRequest: q.ID, Check: identityCheck(in)})
	switch {
	case err != nil:
		return shell.Outcome{}, formError(err)
	case result.Approval != nil:
		return shell.Outcome{Next: approvalPath(result.Approval)}, nil
	case strings.TrimSpace(in.Get("answer")) == "":
		return shell.Outcome{}, nil
	}
	// A form that is sent twice is known by the reset, so the answer is outside its context.
	if _, err := c.Directory.HelpDesk.Patch(in.Request.Context(), p, from, q.ID, helpdesk.RequestPatch{Answer: in.Get("answer")}); errcode.Of(err) != "" {
		return shell.Outcome{Next: site.WithQuery(back, "done", "request_unanswered")}, nil // the reset is done
	} else if err != nil {
		return shell.Outcome{}, err
	}
	return shell.Outcome{}, nil
}

// takeNext takes the oldest request that nobody has. If others take it at the same time, it takes the next.
func (c *Pages) takeNext(ctx context.Context, p admin.Principal, from account.RequestInfo, _ shell.Input) (shell.Outcome, error) {
	q := helpdesk.RequestQuery{Status: helpdesk.StateOpen, Limit: 20}
	for range 3 {
		found, next, err := c.Directory.HelpDesk.Requests(ctx, p, q)
		if err != nil {
			return shell.Outcome{}, err
		}
		for i := range found {
			_, err := c.Directory.HelpDesk.Patch(ctx, p, from, found[i].ID, helpdesk.RequestPatch{Assignee: &me, Untaken: true})
			switch code := errcode.Of(err); {
			case code == errcode.WrongState, code == errcode.NotFound: // another has taken or closed it
			case errcode.HasReason(err, errcode.ReasonOneself):
			default:
				return shell.Outcome{Next: requestsPath + "/" + found[i].ID}, err
			}
		}
		if q.After = next; next == "" {
			break
		}
	}
	return shell.Outcome{}, nil
}

// requestActs returns what p can do with a request, the next one first.
func (c *Pages) requestActs(p admin.Principal, q *helpdesk.Request, row view.RequestRow) (out []view.RequestAct) {
	if !p.Allows(admin.PermHelp) || p.Owner == string(q.User) {
		return nil
	}
	var acts []requestAct
	switch {
	case q.State.Closed():
		acts = []requestAct{reopenRequest, noteRequest}
	case q.Assignee == "":
		acts = []requestAct{takeRequest, noteRequest}
	case !row.Mine:
		acts = []requestAct{takeOverRequest, noteRequest}
	case !row.Known:
		acts = []requestAct{rejectRequest, resolveRequest, noteRequest, giveBackRequest}
	case answerFirst(q):
		acts = []requestAct{answerRequest, resetRequest, checkRequest, rejectRequest, resolveRequest, noteRequest, giveBackRequest}
	default:
		acts = []requestAct{resetRequest, answerRequest, checkRequest, rejectRequest, resolveRequest, noteRequest, giveBackRequest}
	}
	for _, a := range acts {
		out = append(out, view.RequestAct{Name: a.name, Path: row.Path + "/" + a.path, Key: a.key, Send: a.send()})
	}
	if row.Mine && row.Known && p.Allows(admin.PermReset) && !q.State.Closed() {
		out = append(out, view.RequestAct{Name: "hand_over", Path: shell.PeoplePath + "/" + string(q.User) + "/hand-over", Key: "h"})
	}
	next := view.RequestAct{Name: "request_next", Path: requestsPath + "/next", Key: "w", Send: true}
	if q.State.Closed() || q.Assignee != "" && !row.Mine {
		return append([]view.RequestAct{next}, out...)
	}
	return append(out, next)
}

// answerFirst reports whether words answer a request more often than a reset does.
func answerFirst(q *helpdesk.Request) bool {
	return q.Topic == notice.TopicCodeRefused || q.Topic == notice.TopicOther || q.Topic == notice.TopicInvited
}
