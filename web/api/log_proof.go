package api

import (
	"net/http"
	"strconv"
	"time"

	"barillet/authn/admin"
	"barillet/web/reply"
)

func (a *API) logHead(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	head, err := a.directory.Admin.LogHead(r.Context(), op)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, head)
}

// logEntries returns a page of the entries of the log, for a copy from which a store can be restored.
func (a *API) logEntries(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	first := int64(0)
	if text := q.text("first"); text != "" {
		if first, err = strconv.ParseInt(text, 10, 64); err != nil || first < 0 {
			return badParameter("first")
		}
	}
	entries, next, err := a.directory.Admin.LogEntries(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), first, q.text("after"))
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, map[string]any{"entries": entries, "next": next})
}

func (a *API) proveEvent(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	proof, err := a.directory.Admin.ProveEvent(r.Context(), op, r.PathValue("eid"))
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, proof)
}

// verifyLog answers when the whole log was read, which may take longer than the time limit of other answers.
func (a *API) verifyLog(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var in struct {
		Head string `json:"head"`
	}
	if err := reply.DecodeOptionalJSON(r, maxBody, &in); err != nil {
		return err
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // offline mode has no deadline
	var heads []string
	if in.Head != "" {
		heads = append(heads, in.Head)
	}
	report, err := a.directory.Admin.VerifyLog(r.Context(), op, heads...)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, report)
}

func (a *API) eraseEvents(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var in struct {
		User string `json:"user"`
	}
	if err := reply.DecodeJSON(r, maxBody, &in); err != nil {
		return err
	}
	complete, err := a.directory.Admin.EraseEvents(r.Context(), op, in.User)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, map[string]bool{"complete": complete})
}
