package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// signing lets programs sign people in, behind a proxy that names the client.
const signing = proxied + "\napi.authn = true"

// signer is a program with a token that allows it to sign people in, and to enrol phones for them.
func (h *Env) signer(tb testing.TB) *API {
	tb.Helper()
	token := h.Run("token", "create", "--name", "vpn", "--role", "USER_ADMIN", "--allow", "authn,secrets").OK(tb)
	return h.API(h.Secret("token of a program", token))
}

// tells signs a user in by the API from the visitor's address. It returns the response without its unique parts.
func (v *Visitor) tells(a *API, name, password string) Sheet {
	v.tb.Helper()
	body, err := json.Marshal(map[string]string{"username": name, "password": password})
	if err != nil {
		v.tb.Fatal(err)
	}
	r, err := http.NewRequestWithContext(v.tb.Context(), http.MethodPost, a.Base+"/authn", strings.NewReader(string(body)))
	if err != nil {
		v.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+a.Token)
	r.Header.Set("X-Forwarded-For", v.Address)
	w, err := v.client.Do(r)
	if err != nil {
		v.tb.Fatal(err)
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		v.tb.Fatal(err)
	}
	for name := range w.Header {
		if strings.HasPrefix(name, "X-Rate-Limit-") {
			w.Header.Del(name)
		}
	}
	return Sheet{Status: w.StatusCode, Header: w.Header, Body: errorIDs.ReplaceAllString(string(text), "ID")}
}

// errorIDs are the ids of requests in a problem document.
var errorIDs = regexp.MustCompile(`\b[A-Z2-7]{16}\b`)

// enrols enrols a phone named Tablette for a user by the API.
func (h *Env) enrols(a *API, login string) (phone *Phone, id string) {
	h.tb.Helper()
	var enrolled struct {
		ID       string `json:"id"`
		Embedded struct {
			Activation struct {
				SharedSecret string `json:"sharedSecret"`
			} `json:"activation"`
		} `json:"_embedded"`
	}
	factors := "/users/" + login + "/factors"
	a.Call("POST", factors, map[string]string{"factorType": "token:software:totp", "provider": "OKTA", "name": "Tablette"}).Want(200).Into(&enrolled)
	phone = &Phone{env: h, Secret: h.Secret("secret of the tablet", enrolled.Embedded.Activation.SharedSecret)}
	a.Call("POST", factors+"/"+enrolled.ID+"/lifecycle/activate", map[string]string{"passCode": phone.Code()}).Want(200)
	return phone, enrolled.ID
}

func TestAPISignIn_EnrolsPhoneAndSignsIn(t *testing.T) {
	h := Open(t, EnvOptions{Config: signing})
	m := h.Member(t, "technicien@garage.example")
	vpn := h.signer(t)
	tablet, id := h.enrols(vpn, m.Login)
	h.Mail.Wait(m.Login, "un appareil a été inscrit pour vous")

	var tx struct {
		Status, StateToken, SessionToken string
		Embedded                         struct {
			Factors []struct{ ID string }
		} `json:"_embedded"`
	}
	vpn.Call("POST", "/authn", map[string]string{"username": m.Login, "password": m.Password}).Want(200).Into(&tx)
	if tx.Status != "MFA_REQUIRED" || len(tx.Embedded.Factors) != 1 {
		t.Fatalf("got %+v, want the person's own phone alone: the tablet waits for their word", tx)
	}
	h.Secret("state token", tx.StateToken)
	verify := "/authn/factors/" + tx.Embedded.Factors[0].ID + "/verify"
	vpn.Call("POST", verify, map[string]string{"stateToken": tx.StateToken, "passCode": m.Phone.Wrong()}).Want(403)
	vpn.Call("POST", verify, map[string]string{"stateToken": tx.StateToken, "passCode": m.Phone.Next()}).Want(200).Into(&tx)
	if tx.Status != "SUCCESS" || tx.SessionToken == "" {
		t.Fatalf("got %+v, want SUCCESS", tx)
	}
	h.Secret("session of a program", tx.SessionToken)

	m.Post("/account/prove", "code", m.Phone.Next(), "next", "/account").want(t, "/account")
	page := m.Get("/account")
	if !page.Says("Un programme") || !page.Says("a inscrit cet appareil pour vous") {
		t.Errorf("the account shows neither the program's session nor the tablet:\n%s", page.Body)
	}
	m.Post("/account/devices/"+id+"/confirm", "code", tablet.Next()).want(t, "/account")
	vpn.Call("POST", "/users/"+m.Login+"/factors/"+id+"/verify", map[string]string{"passCode": tablet.Next()}).Want(200)
}

func TestPages_UnconfirmedDevice(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{Config: signing})
	m := h.Member(t, "amelie@garage.example")
	tablet, _ := h.enrols(h.signer(t), m.Login)
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.signIn(m.Phone)
	p.look("account-device-waits")
	p.Submit(p.device("Tablette", "confirm"))
	p.prove(m.Phone)
	p.look("device-confirm")
	p.enter(tablet.Wrong())
	p.look("device-confirm-wrong")
	p.enter(tablet.Next())
	p.at("/account")
	p.look("account-device-given")
}
