package api

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"barillet/authn"
	"barillet/authn/helpdesk"
	"barillet/web/reply"
)

// maxImport is how many people one call takes.
const maxImport = 100

// importBody is a part of a list of people. A person is told apart by their place in it.
type importBody struct {
	People []importedBody `json:"people"`
}

type importedBody struct {
	Profile  profileBody     `json:"profile"`
	GroupIDs []authn.GroupID `json:"groupIds"`
	Role     authn.Role      `json:"role"`
	Key      string          `json:"otpauth"` // by the socket or the closed folder only (PROTOCOL 23)
}

// The outcomes of an import.
const (
	outcomeNew     = "new"     // can be made; with dryRun only
	outcomeCreated = "created" // was made
	outcomeKnown   = "known"   // was there before and is left alone
	outcomeRefused = "refused" // cannot be made
)

type importedJSON struct {
	Outcome string      `json:"outcome"`
	ID      string      `json:"id,omitempty"`
	Invited bool        `json:"invited"`
	Causes  []causeJSON `json:"causes,omitempty"`
}

// causeJSON is one fault of one person, without what was submitted.
type causeJSON struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

func imported(got helpdesk.ImportResult, dry bool) importedJSON {
	out := importedJSON{Outcome: outcomeCreated, ID: string(got.ID), Invited: got.Invited}
	for _, fault := range got.Faults {
		out.Causes = append(out.Causes, causeJSON{cmp.Or(ofPerson[fault.Field], fault.Field), fault.Reason})
	}
	switch {
	case got.Known:
		out.Outcome = outcomeKnown
	case len(got.Faults) > 0:
		out.Outcome = outcomeRefused
	case dry:
		out.Outcome = outcomeNew
	}
	return out
}

// importPeople makes the people of a list one after the other, each in an Update of their own. It needs no
// idempotency key: whoever was made by a call that is repeated is known to the next.
func (a *API) importPeople(w http.ResponseWriter, r *http.Request, op helpdesk.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	dry, err := q.truth("dryRun", false)
	if err != nil {
		return err
	}
	invite, err := q.truth("activate", false)
	if err != nil {
		return err
	}
	var body importBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	if len(body.People) == 0 || len(body.People) > maxImport {
		return authn.Invalid("people", "count")
	}
	people, err := readPeople(body.People)
	if err != nil {
		return err
	}
	keys := slices.ContainsFunc(body.People, func(one importedBody) bool { return one.Key != "" })
	if err := a.desk.MayImport(op, keys); err != nil {
		return err
	}
	out := make([]importedJSON, len(people))
	for i, one := range people {
		got := helpdesk.ImportResult{Faults: one.faults}
		if one.faults == nil {
			if got, err = a.desk.Import(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), one.NewUser, invite, dry); err != nil {
				return err
			}
		}
		out[i] = imported(got, dry)
	}
	return reply.JSON(w, http.StatusOK, map[string][]importedJSON{"people": out})
}

// readPerson is one of the list, or why they cannot be read.
type readPerson struct {
	helpdesk.NewUser
	faults []*authn.Error
}

// readPeople reads all of them before the first one is made: a call that is malformed makes nobody.
func readPeople(bodies []importedBody) ([]readPerson, error) {
	out := make([]readPerson, len(bodies))
	for i, one := range bodies {
		if one.Profile == nil {
			one.Profile = profileBody{}
		}
		n, err := (&userBody{Profile: one.Profile, GroupIDs: one.GroupIDs, Role: one.Role}).person()
		if fault, ok := errors.AsType[*authn.Error](err); ok && fault.Code == authn.CodeInvalid {
			out[i].faults = []*authn.Error{fault}
		} else if refused, ok := errors.AsType[*reply.HTTPError](err); ok {
			return nil, &reply.HTTPError{Status: refused.Status, Kind: refused.Kind, Member: "people." + refused.Member}
		} else if err != nil {
			return nil, err
		}
		n.OTPAuthURI = authn.SecretOf(one.Key)
		out[i].NewUser = n
	}
	return out, nil
}
