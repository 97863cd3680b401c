package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/oidc"
	"barillet/templates"
	"barillet/web/reply"
	"barillet/web/site"
)

// registerApplications registers the routes of OpenID Connect. Package oidc serves those that programs call.
func (s *server) registerApplications(r *site.Router) {
	documents, programs, userinfo := s.OIDC.PublicEndpoints(), s.withRequestInfo(s.OIDC.TokenEndpoints()), s.withRequestInfo(s.OIDC.Userinfo())
	for pattern, h := range map[string]http.Handler{"GET " + oidc.PathDiscovery: documents, "GET " + oidc.PathServerMetadata: documents, "GET " + oidc.PathKeys: documents,
		"POST " + oidc.PathToken: programs, "POST " + oidc.PathIntrospect: programs, "POST " + oidc.PathRevoke: programs, "POST " + oidc.PathDevice: programs,
		"POST " + oidc.PathPush: programs, "POST " + oidc.PathUserinfo: userinfo} {
		r.Handle(pattern, h, throttle.ChargedByHandler)
		_, path, _ := strings.Cut(pattern, " ")
		r.Handle("OPTIONS "+path, http.HandlerFunc(oidc.Preflight))
	}
	r.Handle("GET "+oidc.PathUserinfo, userinfo)
	r.Page("GET "+oidc.PathAuthorize, s.authorize, throttle.ChargedByHandler)
	r.ForAnybody("POST "+oidc.PathAuthorize, s.authorize, throttle.ChargedByHandler)
	r.Page("GET "+oidc.PathContinue, s.getContinue, throttle.Application)
	r.Page("POST /oauth2/v1/consent", s.postConsent, throttle.Application)
	r.Page("GET "+oidc.PathLogout, s.appLogout, throttle.NeverRefused)
	r.ForAnybody("POST "+oidc.PathLogout, s.appLogout, throttle.NeverRefused)
	r.Page("POST /oauth2/v1/logout/confirm", s.postAppLogout, throttle.NeverRefused)
	r.Page("GET "+oidc.PathUserCode, s.getUserCode)
	r.Page("POST "+oidc.PathUserCode, s.postUserCode, throttle.Application)
	r.Page("GET /device/confirm", s.getUserCodeConfirm)
	r.Page("POST /device/confirm", s.postUserCodeConfirm, throttle.Application)
	r.Page("GET /device/done", s.getUserCodeDone)
	if s.API != nil {
		r.Handle(oidc.PathClients, s.API, throttle.ChargedByHandler)
		r.Handle(oidc.PathClients+"/", s.API, throttle.ChargedByHandler)
	}
}

// allowsCrossSite reports whether other sites may cause a request. The endpoints for programs ignore cookies. The
// authorization and the logout endpoint answer with a redirect, or ask the user first.
func allowsCrossSite(r *http.Request) bool {
	return r.Method == http.MethodPost && slices.Contains([]string{oidc.PathToken, oidc.PathIntrospect, oidc.PathRevoke, oidc.PathDevice,
		oidc.PathPush, oidc.PathUserinfo, oidc.PathAuthorize, oidc.PathLogout}, r.URL.Path)
}

// withRequestInfo adds the client of a request to its context, for package oidc.
func (s *server) withRequestInfo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(oidc.WithOrigin(r.Context(), site.RequestInfo(r))))
	})
}

// userAgent returns the visitor for package oidc.
func userAgent(r *http.Request) oidc.UserAgent {
	b := oidc.UserAgent{From: site.RequestInfo(r)}
	if v := site.VisitorOf(r); v.SignedIn() {
		b.Session, b.User = v.Session.Key(), v.Info.User
	}
	return b
}

// authorize serves the authorization endpoint. A POST from another site has no session cookie, because the cookie is
// SameSite=Lax. So authorize redirects it to the same request with GET.
func (s *server) authorize(w http.ResponseWriter, r *http.Request) error {
	form, err := oidc.FormOf(r)
	if err != nil {
		return s.renderRequestError(w, r, oidc.Malformed())
	}
	if r.Method == http.MethodPost && len(form.Encode()) <= maxRedirectQuery {
		return site.Redirect(w, oidc.PathAuthorize+"?"+form.Encode())
	}
	a, err := s.OIDC.Authorize(r.Context(), userAgent(r), form)
	if err != nil {
		return err
	}
	if a.Redirect != "" { // no form came before, so form-action does not apply
		return site.Redirect(w, a.Redirect)
	}
	if a.LocalPath != "" {
		s.ApplyUILocales(w, r, a.Locales)
	}
	return s.showAction(w, r, a)
}

// maxRedirectQuery is the maximum length of a request that is redirected from POST to GET, in bytes.
const maxRedirectQuery = 7 << 10

func (s *server) getContinue(w http.ResponseWriter, r *http.Request) error {
	a, err := s.OIDC.Continue(r.Context(), userAgent(r), r.URL.Query().Get("request"))
	if err != nil {
		return err
	}
	return s.showAction(w, r, a)
}

// showAction renders what package oidc decided. Browsers apply form-action to redirects that follow a form. So the
// browser continues to the application from a page, not by a redirect.
func (s *server) showAction(w http.ResponseWriter, r *http.Request, a oidc.Action) error {
	switch {
	case a.Error != nil:
		return s.renderRequestError(w, r, a.Error)
	case a.Consent != nil:
		c := a.Consent
		return s.Render(w, http.StatusOK, templates.Consent{Base: s.BaseAt(r, site.WithQuery(oidc.PathContinue, "request", c.Request)), Request: c.Request, App: c.App,
			URI: c.URI, Scopes: c.Scopes})
	case a.Over != nil:
		return s.Render(w, http.StatusGone, templates.SignInOver{Base: s.BaseAt(r, "/account"), App: a.Over.App, To: a.Over.Home})
	case a.Denied != nil:
		return s.Render(w, http.StatusForbidden, templates.AccessDenied{Base: s.Base(r), App: a.Denied.App, NeedsKey: a.Denied.NeedsKey, To: a.Denied.Redirect})
	case a.Redirect != "":
		return s.renderContinue(w, r, a.App, a.Redirect)
	}
	return site.Redirect(w, a.LocalPath)
}

func (s *server) renderContinue(w http.ResponseWriter, r *http.Request, app, to string) error {
	u, err := url.Parse(to)
	if err != nil {
		return fmt.Errorf("parsing the URL of an application: %w", err)
	}
	w.Header().Set("Refresh", "0; url="+u.String())
	return s.Render(w, http.StatusOK, templates.Continue{Base: s.BaseAt(r, "/account"), App: app, To: u.String()})
}

func (s *server) renderRequestError(w http.ResponseWriter, r *http.Request, wrong *oidc.RequestError) error {
	status := http.StatusBadRequest
	if wrong.RetryAfter > 0 {
		status = http.StatusTooManyRequests
	}
	return s.RenderAfter(w, status, wrong.RetryAfter, templates.RequestError{Base: s.BaseAt(r, "/account"), Code: wrong.Code, Fault: faultKeys[wrong.Fault],
		App: wrong.App, Client: string(wrong.Client), Address: wrong.Address})
}

var faultKeys = map[oidc.Fault]templates.Key{
	oidc.FaultMalformed: templates.FaultMalformed, oidc.FaultClient: templates.FaultClient, oidc.FaultRedirect: templates.FaultRedirect,
	oidc.FaultLogoutRedirect: templates.FaultLogoutRedirect, oidc.FaultPushed: templates.FaultPushed, oidc.FaultHint: templates.FaultHint,
}

func (s *server) postConsent(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "request", "decision")
	if err != nil {
		return err
	}
	if f["decision"] != "yes" && f["decision"] != "no" {
		return &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindMalformed, Member: "decision"}
	}
	a, err := s.OIDC.Consent(r.Context(), userAgent(r), f["request"], f["decision"] == "yes")
	if err != nil {
		return err
	}
	return s.showAction(w, r, a)
}

// appLogout serves the logout endpoint of OpenID Connect.
func (s *server) appLogout(w http.ResponseWriter, r *http.Request) error {
	form, err := oidc.FormOf(r)
	if err != nil {
		return s.renderRequestError(w, r, oidc.Malformed())
	}
	if r.Method == http.MethodPost && len(form.Encode()) <= maxRedirectQuery { // as in authorize
		return site.Redirect(w, oidc.PathLogout+"?"+form.Encode())
	}
	l, err := s.OIDC.Logout(r.Context(), userAgent(r), form)
	switch {
	case err != nil:
		return err
	case l.Error != nil:
		return s.renderRequestError(w, r, l.Error)
	case l.Ask:
		return s.Render(w, http.StatusOK, templates.SignOutConfirm{Base: s.BaseAt(r, "/account"), App: l.App, Hint: form.Get("id_token_hint"), Client: form.Get("client_id"),
			To: form.Get("post_logout_redirect_uri"), State: form.Get("state"), LogoutHint: form.Get("logout_hint")})
	case l.Nothing:
		return s.renderNotSignedIn(w, r, l)
	}
	if err := s.SignOut(w, r); err != nil {
		return err
	}
	if l.Redirect != "" {
		return site.Redirect(w, l.Redirect)
	}
	return site.Redirect(w, "/logged-out")
}

// postAppLogout signs the user out after the confirmation.
func (s *server) postAppLogout(w http.ResponseWriter, r *http.Request) error {
	form, err := oidc.FormOf(r)
	if err != nil {
		return s.renderRequestError(w, r, oidc.Malformed())
	}
	l, err := s.OIDC.Logout(r.Context(), userAgent(r), form)
	switch {
	case err != nil:
		return err
	case l.Error != nil:
		return s.renderRequestError(w, r, l.Error)
	case l.Nothing:
		return s.renderNotSignedIn(w, r, l)
	}
	if err := s.SignOut(w, r); err != nil {
		return err
	}
	if l.Redirect != "" {
		return s.renderContinue(w, r, l.App, l.Redirect)
	}
	return site.Redirect(w, "/logged-out")
}

// renderNotSignedIn says that nothing was ended. It does not redirect to the application, which would take that for a
// sign-out (OIDC RP-Initiated Logout §3).
func (s *server) renderNotSignedIn(w http.ResponseWriter, r *http.Request, l oidc.LogoutAction) error {
	return s.Render(w, http.StatusOK, templates.NotSignedIn{Base: s.BaseAt(r, "/login"), App: l.App, To: l.Redirect})
}

// userCodeOver is the page for a code that has expired, or was answered already.
const userCodeOver = oidc.PathUserCode + "?again=user_code"

func (s *server) getUserCode(w http.ResponseWriter, r *http.Request) error {
	if !site.VisitorOf(r).SignedIn() {
		return errcode.New(errcode.NoSession)
	}
	page := templates.UserCode{Base: s.Base(r)}
	if code := r.URL.Query().Get("user_code"); userCode.MatchString(code) {
		page.Code = code
	}
	return s.Render(w, http.StatusOK, page)
}

// userCode matches the codes that a device may put into its link.
var userCode = regexp.MustCompile(`^[A-Za-z0-9-]{1,16}$`)

func (s *server) postUserCode(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "code")
	if err != nil {
		return err
	}
	d, err := s.OIDC.EnterUserCode(r.Context(), userAgent(r), f["code"])
	if err != nil {
		return err
	}
	b := s.BaseAt(r, oidc.PathUserCode)
	switch {
	case d.Wait > 0:
		b.Problem = templates.NewProblem(templates.ProblemWait)
		b.Problem.Wait = d.Wait
		return s.RenderAfter(w, http.StatusTooManyRequests, d.Wait, templates.UserCode{Base: b})
	case d.Request == "":
		b.Problem = templates.NewFieldProblem("code", templates.ProblemUserCode)
		return s.Render(w, http.StatusUnprocessableEntity, templates.UserCode{Base: b})
	}
	return site.Redirect(w, site.WithQuery("/device/confirm", "request", d.Request))
}

func (s *server) getUserCodeConfirm(w http.ResponseWriter, r *http.Request) error {
	if !site.VisitorOf(r).SignedIn() {
		return errcode.New(errcode.NoSession)
	}
	d, err := s.OIDC.DevicePrompt(r.Context(), userAgent(r), r.URL.Query().Get("request"))
	switch {
	case err != nil:
		return err
	case d.Request == "":
		return site.Redirect(w, userCodeOver)
	case d.NeedsStepUp: // protocol rule 28
		to := site.WithQuery("/account/prove", "next", site.WithQuery("/device/confirm", "request", d.Request))
		if d.NeedsKey {
			to += "&method=key"
		}
		return site.Redirect(w, to)
	}
	return s.Render(w, http.StatusOK, templates.UserCodeConfirm{Base: s.Base(r), Request: d.Request, App: d.App, Scopes: d.Scopes})
}

func (s *server) postUserCodeConfirm(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "request", "decision")
	if err != nil {
		return err
	}
	if !site.VisitorOf(r).SignedIn() {
		return site.Redirect(w, site.WithNext("/login?again=session_gone", site.WithQuery("/device/confirm", "request", f["request"])))
	}
	yes := f["decision"] == "yes"
	switch err := s.OIDC.DecideDevice(r.Context(), userAgent(r), f["request"], yes); errcode.Of(err) {
	case errcode.StepUpRequired:
		return site.Redirect(w, site.WithQuery("/account/prove", "next", site.WithQuery("/device/confirm", "request", f["request"])))
	case errcode.Expired:
		return site.Redirect(w, userCodeOver)
	default:
		if err != nil {
			return err
		}
	}
	if yes {
		return site.Redirect(w, "/device/done?yes=1")
	}
	return site.Redirect(w, "/device/done")
}

func (s *server) getUserCodeDone(w http.ResponseWriter, r *http.Request) error {
	return s.Render(w, http.StatusOK, templates.UserCodeDone{Base: s.Base(r), Yes: r.URL.Query().Get("yes") == "1"})
}
