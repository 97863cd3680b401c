package approval_test

import (
	"encoding/json"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/approval"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/store"
	"barillet/store/storetest"
)

func TestRecords_EveryVersionDecodes(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	storetest.Golden(t, store.Approvals, nil, approval.Approval{ID: "uabc-reset-def", Operation: approval.OperationReset, User: "uabc", Login: authntest.Technician,
		Reached: []string{authntest.Technician, authntest.Technician, "", "+33612345678", ""}, Resets: 2, By: "token:t1", ByName: "support desk", Owner: "u1", Token: "0123", Epoch: 4,
		Reason: "lost", HelpRequest: "20260302T080000.000000000Z-abc", At: at, Expires: at, Role: &approval.Role{Assignment: "r1", Role: account.RoleHelpDesk, Groups: []account.GroupID{"g1"}},
		Profile: &directory.ProfileMembers{Known: map[string]string{"email": "zoe@garage.example"}, Custom: map[string]json.RawMessage{"employeeNumber": json.RawMessage("null")}}})
}
