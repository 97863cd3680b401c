package api_test

import (
	"testing"

	"barillet/internal/audit"
)

func TestLifecycle_WithdrawsWhatWasMailed(t *testing.T) {
	d := open(t)
	admin := d.admin()
	u, _, _ := d.Member("zoe@garage.example", nil)
	path := "/api/v1/users/" + string(u.ID) + "/lifecycle/"
	for _, call := range []string{"withdraw_invitation", "withdraw_tickets"} {
		problem(t, d.call("POST", path+call, admin, ""), 409)
		problem(t, d.call("POST", "/api/v1/users/u00000000000000000000000000/lifecycle/"+call, admin, ""), 404)
	}
	read[tree](t, d.call("POST", path+"reset_factors", admin, ""), 200)
	read[tree](t, d.call("POST", path+"withdraw_tickets", admin, ""), 200)
	if u := d.User(string(u.ID)); len(u.Tickets) > 0 || len(d.Events(audit.TicketWithdrawn)) != 1 {
		t.Errorf("got %d tickets and %d events", len(u.Tickets), len(d.Events(audit.TicketWithdrawn)))
	}
	invited := read[tree](t, d.call("POST", "/api/v1/users", admin, `{"profile":{"login":"new@garage.example"}}`), 200).get("id").(string)
	read[tree](t, d.call("POST", "/api/v1/users/"+invited+"/lifecycle/withdraw_invitation", admin, ""), 200)
	if got := read[tree](t, d.call("GET", "/api/v1/users/"+invited, admin, ""), 200).get("status"); got != "STAGED" {
		t.Errorf("got %v, want STAGED", got)
	}
}
