package web_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// TestImportedDevice_SignsInWithTheOldPhone uses the pages as the user does: the link of the mail,
// a password, the code of the app that they have had for years.
func TestImportedDevice_SignsInWithTheOldPhone(t *testing.T) {
	p := open(t, nil)
	const seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	machine := admin.Principal{ID: "operator:0", Name: "root", Owner: "operator:0", Operator: true}
	got, err := p.Directory.Import(t.Context(), machine, account.RequestInfo{}, []directory.ImportRow{{NewUser: directory.NewUser{Login: "zoe@garage.example",
		OTPAuthURI: secret.From("otpauth://totp/Okta:zoe?secret=" + seed)}}}, true, false)
	if err != nil || !got[0].Invited {
		t.Fatalf("got %+v, %v", got, err)
	}
	mails := p.Mails()
	welcome, ok := mails[0].What.(notice.Welcome)
	if len(mails) != 1 || !ok {
		t.Fatalf("got mails %v", mails)
	}
	path := strings.TrimPrefix(welcome.Link, p.url)
	phone := &authntest.Phone{Env: p.Env, Secret: seed}
	b := p.browser(t)
	b.shows(path)
	b.goes("/login/factor?done=password_set", path, "password", authntest.Password)
	if page := b.shows("/login/factor"); strings.Contains(page.body, seed) {
		t.Error("the page shows the key")
	}
	if got := b.get("/account"); got.next() == "" {
		t.Error("the password alone opens the account")
	}
	b.goes("/account", "/login/factor", "code", string(phone.Next()))
	if page := b.shows("/account"); !strings.Contains(page.body, "Okta") {
		t.Error("the phone is not on the person's page")
	}
	if got := b.get(path); got.StatusCode != 404 {
		t.Errorf("the link after it was used: got %d", got.StatusCode)
	}
	again := p.browser(t)
	again.signIn("zoe@garage.example", phone)
}
