package e2e_test

import (
	"net/http"
	"testing"
)

// Everybody's password is another operator's wish once: the page before the session, in each of its states, and
// without JavaScript.
func TestPages_PasswordRequired(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	user := "/users/" + m.Login
	h.Admin.Call(http.MethodPost, user+"/lifecycle/expire_password", nil).Want(http.StatusOK)
	p.give()
	p.prompt()
	p.enter(m.Phone.Next())
	p.at("/login/password")
	p.look("password-due")
	p.outside()
	p.give() // the page was closed
	p.prompt()
	p.enter(m.Phone.Next())
	p.at("/login/password")
	for name, password := range map[string]string{"empty": "", "short": "abc", "present": m.Password} {
		p.sends("#f-password", password)
		p.look("password-due-" + name)
	}
	p.Password = h.Secret("chosen password", "dix boulons rouillés sous le banc")
	p.sends("#f-password", p.Password)
	p.home()
	p.look("account-password-chosen")
	p.signOut()

	var temporary struct{ TempPassword string }
	secrets := h.API(h.Secret("token with secrets", h.Run("token", "create", "--name", "desk", "--role", "SUPER_ADMIN", "--allow", "secrets").OK(t)))
	secrets.Call(http.MethodPost, user+"/lifecycle/expire_password_with_temp_password", nil).Into(&temporary)
	h.Mail.Wait(m.Login, "a été changé par")
	q := h.Person(t, m.Login, h.Secret("temporary password", temporary.TempPassword), BrowserOptions{NoScript: true})
	q.give()
	q.prompt()
	q.enter(m.Phone.Next())
	q.at("/login/password")
	q.says("était provisoire")
	q.Password = h.Secret("password without script", "onze boulons rouillés sous le banc")
	q.sends("#f-password", q.Password)
	q.home()
}
