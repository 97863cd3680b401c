package api_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
)

const (
	seed      = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // of RFC 4226 appendix D
	tokenBody = `{"factorType":"token:hotp","provider":"CUSTOM","name":"Key fob","profile":{"sharedSecret":"` + seed + `","counter":100}}`
)

func passCode(t testing.TB, counter uint64) string {
	return `{"passCode":"` + string(authntest.Code(t, seed, counter)) + `"}`
}

// An administrator enrols a hardware token by its seed, its user signs in with it, and a reset names its kind.
func TestToken_IsEnrolledBySeedAndSignsIn(t *testing.T) {
	d := programs(t)
	u, _, _ := d.Member("zoe@garage.example", nil)
	d.Change(u.ID, func(u *account.User) { u.Devices = nil })
	token, signer := d.enroller(), d.signer()
	factors := "/api/v1/users/" + string(u.ID) + "/factors"
	x := read[tree](t, d.call("POST", factors, token, tokenBody), 200)
	activation := tree(x.get("_embedded", "activation").(map[string]any))
	if x.get("factorType") != "token:hotp" || x.get("provider") != "CUSTOM" || x.get("status") != "PENDING_ACTIVATION" || activation.get("sharedSecret") != nil ||
		activation.get("timeStep") != nil || activation.get("keyLength") != 32.0 {
		t.Errorf("got %v, want a pending token without its secret", x)
	}
	id := x.get("id").(string)
	if y := read[tree](t, d.call("POST", factors+"/"+id+"/lifecycle/activate", token, passCode(t, 600)), 200); y.get("status") != "ACTIVE" {
		t.Errorf("got %v, want it active", y)
	}
	verify := factors + "/" + id + "/verify"
	if doc := problem(t, d.call("POST", verify, token, passCode(t, 600)), 403); doc.ErrorCode != "E0000082" {
		t.Errorf("a used counter: got %+v", doc)
	}
	if doc := problem(t, d.call("POST", verify, token, passCode(t, 800)), 403); doc.ErrorCode != "E0000083" || !strings.Contains(doc.Title, "next code") {
		t.Errorf("far ahead: got %+v, want what to do", doc)
	}
	if y := read[tree](t, d.call("POST", verify, token, passCode(t, 801)), 200); y.get("factorResult") != "SUCCESS" {
		t.Errorf("the second code in a row: got %v", y)
	}

	state := read[tree](t, d.call("POST", "/api/v1/authn", signer, primary(u.Login, authntest.Password)), 200)
	list, _ := state.get("_embedded", "factors").([]any)
	if state.get("status") != "MFA_REQUIRED" || len(list) != 1 || tree(list[0].(map[string]any)).get("factorType") != "token:hotp" {
		t.Fatalf("got %v, want the token asked for", state)
	}
	path := "/api/v1/authn/factors/" + id + "/verify"
	if doc := problem(t, d.call("POST", path, signer, withState(state, string(authntest.Code(t, seed, 1500)))), 403); doc.Type != "/problems/passcode_resync" {
		t.Errorf("far ahead: got %+v", doc)
	}
	if y := read[tree](t, d.call("POST", path, signer, withState(state, string(authntest.Code(t, seed, 1501)))), 200); y.get("status") != "SUCCESS" {
		t.Errorf("got %v, want SUCCESS", y)
	}

	receipt := read[tree](t, d.call("POST", "/api/v1/users/"+string(u.ID)+"/lifecycle/reset_factors", token, `{"reason":"lost"}`), 200)
	cleared, _ := receipt.get("cleared", "devices").([]any)
	if len(cleared) != 1 || tree(cleared[0].(map[string]any)).get("factorType") != "token:hotp" || tree(cleared[0].(map[string]any)).get("count") != 1.0 {
		t.Errorf("got receipt %v, want one token", receipt)
	}
	again := read[tree](t, d.call("POST", "/api/v1/users/"+string(u.ID)+"/lifecycle/reset_factors", token, `{"reason":"lost"}`), 200)
	if list, _ := again.get("cleared", "devices").([]any); again.get("repeated") != true || len(list) != 1 {
		t.Errorf("got %v, want the first receipt again", again)
	}
}

func TestToken_WithoutSeedGetsANewSecret(t *testing.T) {
	d := open(t)
	u, _, _ := d.Member("zoe@garage.example", nil)
	x := read[tree](t, d.call("POST", "/api/v1/users/"+string(u.ID)+"/factors", d.enroller(), `{"factorType":"token:hotp","provider":"CUSTOM","name":"Key fob"}`), 200)
	if secret, _ := x.get("_embedded", "activation", "sharedSecret").(string); len(secret) != 32 {
		t.Errorf("got %v, want a secret", x)
	}
}
