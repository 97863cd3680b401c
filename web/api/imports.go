package api

import (
	"cmp"
	"errors"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/web/reply"
)

// maxImport is the maximum number of users in a call.
const maxImport = 100

// importBody is a part of a list of users. The response has the same order.
type importBody struct {
	Users []importedBody `json:"users"`
}

type importedBody struct {
	Profile  profileBody       `json:"profile"`
	GroupIDs []account.GroupID `json:"groupIds"`
	Groups   []string          `json:"groups"` // names or ids
	Role     account.Role      `json:"role"`
	Key      string            `json:"otpauth"` // for the operator only (protocol rule 23)
}

// The outcomes of an import.
const (
	outcomeNew     = "new"     // valid; with dryRun only
	outcomeCreated = "created" // created now
	outcomeExists  = "exists"  // the user existed and was not changed
	outcomeInvalid = "invalid" // not created
)

type importedJSON struct {
	Outcome string      `json:"outcome"`
	ID      string      `json:"id,omitempty"`
	Invited bool        `json:"invited"`
	Causes  []causeJSON `json:"causes,omitempty"`
}

// causeJSON is one fault of one user. It contains nothing of what was submitted.
type causeJSON struct {
	Field   string `json:"field"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func imported(got directory.ImportResult, named, dry bool) importedJSON {
	out := importedJSON{Outcome: outcomeCreated, ID: string(got.ID), Invited: got.Invited}
	for _, fault := range got.Faults {
		field := cmp.Or(userMembers[fault.Field], fault.Field)
		if named && field == "groupIds" {
			field = "groups"
		}
		out.Causes = append(out.Causes, causeJSON{field, fault.Reason, reply.Message(fault.Field, fault.Reason)})
	}
	switch {
	case got.Exists:
		out.Outcome = outcomeExists
	case len(got.Faults) > 0:
		out.Outcome = outcomeInvalid
	case dry:
		out.Outcome = outcomeNew
	}
	return out
}

// importUsers creates the users of a list. It needs no idempotency key: a repeated call finds that they exist.
func (a *API) importUsers(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	dry, err := q.boolean("dryRun", false)
	if err != nil {
		return err
	}
	invite, err := q.boolean("activate", false)
	if err != nil {
		return err
	}
	var body importBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	if len(body.Users) == 0 || len(body.Users) > maxImport {
		return errcode.InvalidField("users", "count")
	}
	rows, err := importRows(body.Users)
	if err != nil {
		return err
	}
	got, err := a.directory.Import(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), rows, invite, dry)
	if err != nil {
		return err
	}
	out := make([]importedJSON, len(got))
	for i, one := range got {
		out[i] = imported(one, len(body.Users[i].Groups) > 0, dry)
	}
	return reply.JSON(w, http.StatusOK, map[string][]importedJSON{"users": out})
}

// importRows reads all users before the first one is created: a malformed call creates no user.
func importRows(bodies []importedBody) ([]directory.ImportRow, error) {
	out := make([]directory.ImportRow, len(bodies))
	for i, one := range bodies {
		if one.Profile == nil {
			one.Profile = profileBody{}
		}
		n, err := (&userBody{Profile: one.Profile, GroupIDs: one.GroupIDs, Role: one.Role}).newUser()
		if fault, ok := errors.AsType[*errcode.Error](err); ok && fault.Code == errcode.Invalid {
			out[i].Faults = []*errcode.Error{fault}
		} else if refused, ok := errors.AsType[*reply.HTTPError](err); ok {
			return nil, &reply.HTTPError{Status: refused.Status, Kind: refused.Kind, Member: "users." + refused.Member}
		} else if err != nil {
			return nil, err
		}
		n.OTPAuthURI = secret.From(one.Key)
		out[i].NewUser, out[i].GroupNames = n, one.Groups
	}
	return out, nil
}
