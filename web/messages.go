package web

import (
	"errors"
	"net/http"
	"time"

	"barillet/authn"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/reply"
)

// notices and problems are what a redirect may leave in ?done= and ?again= for the page that follows. Anything
// else there is passed over: a link from elsewhere puts no words of its own on our pages.
var notices = map[string]templates.Key{
	"device_added": templates.NoticeDeviceAdded, "device_removed": templates.NoticeDeviceRemoved,
	"device_renamed": templates.NoticeDeviceRenamed, "copy_added": templates.NoticeCopyAdded,
	"copy_removed": templates.NoticeCopyRemoved, "codes_kept": templates.NoticeCodesKept,
	"session_ended": templates.NoticeSessionEnded, "others_ended": templates.NoticeOthersEnded,
	"app_withdrawn":    templates.NoticeAppWithdrawn,
	"password_changed": templates.NoticePasswordChanged, "password_set": templates.NoticePasswordSet,
	"signed_in": templates.NoticeSignedIn, "device_confirmed": templates.NoticeDeviceConfirmed,
}

var problems = map[string]templates.Key{
	"session_gone": templates.ProblemSessionGone, "ceremony_gone": templates.ProblemCeremonyGone,
	"changed": templates.ProblemChanged, "no_such_thing": templates.ProblemNoSuchThing,
	"no_copies": templates.ProblemNoCopies, "ticket_no_more": templates.ProblemTicketNoMore,
}

// line is a sentence, and the field that it is about.
type line struct {
	key   templates.Key
	field string
}

// ofCode words the refusals of authn that a page tells above its form.
var ofCode = map[errcode.Code]line{
	errcode.SignInFailed:   {templates.ProblemSignIn, ""},
	errcode.RateLimited:    {templates.ProblemWait, ""},
	errcode.Overloaded:     {templates.ProblemBusy, ""},
	errcode.StepUpRequired: {templates.ProblemNeedsProof, ""},
	errcode.NotFound:       {templates.ProblemNoSuchThing, ""},
	errcode.Taken:          {templates.ProblemKeyTaken, ""},
	errcode.LastDevice:     {templates.ProblemLastDevice, ""},
	errcode.TooMany:        {templates.ProblemTooMany, ""},
	errcode.InvalidTicket:  {templates.ProblemTicketWrong, "ticket"},
	errcode.TicketExpired:  {templates.ProblemTicketExpired, "ticket"},
	errcode.SameProvenance: {templates.ProblemTicketSameProvenance, "ticket"},
	errcode.QRLimit:        {templates.ProblemTooManyQR, ""},
	errcode.CopiesDisabled: {templates.ProblemNoCopies, ""},
	errcode.WrongState:     {templates.ProblemChanged, ""},
	errcode.Conflict:       {templates.ProblemChanged, ""},
}

// ofField words Invalid by "field reason", and by "field" for any other reason.
var ofField = map[string]line{
	"password too_long":  {templates.ProblemPasswordLong, "password"},
	"password too_short": {templates.ProblemPasswordShort, "password"},
	"password site":      {templates.ProblemPasswordContext, "password"},
	"password about_you": {templates.ProblemPasswordContext, "password"},
	"password common":    {templates.ProblemPasswordCommon, "password"},
	"password same":      {templates.ProblemPasswordSame, "password"},
	"password":           {templates.ProblemPasswordCommon, "password"},
	"current":            {templates.ProblemPasswordCurrent, "current"},
	"name":               {templates.ProblemNameLength, "name"},
	"email":              {templates.ProblemEmail, "email"},
	"message empty":      {templates.ProblemMissing, "message"},
	"message":            {templates.ProblemMessageLong, "message"},
}

// problemOf words an error of authn; false for one that a page of its own tells.
func (s *server) problemOf(err error) (*templates.Problem, bool) {
	e, ok := errors.AsType[*errcode.Error](err)
	if !ok {
		return nil, false
	}
	l, ok := ofCode[e.Code]
	if e.Code == errcode.Invalid {
		if l, ok = ofField[e.Field+" "+e.Reason]; !ok {
			l, ok = ofField[e.Field]
		}
	}
	if !ok {
		return nil, false
	}
	p := problemAt(l)
	p.Wait = e.RetryAfter
	if l.key == templates.ProblemPasswordShort {
		p.N = s.least()
		p.Fields["password"] = p.Message
	}
	return p, true
}

func problemAt(l line) *templates.Problem {
	if l.field == "" {
		return templates.NewProblem(l.key)
	}
	return templates.NewFieldProblem(l.field, l.key)
}

// least is the least number of characters of a password.
func (s *server) least() int { return s.Accounts.Hasher.Policy.Min }

// renderProblem shows a form anew with what was wrong, or passes on an error that its page cannot tell.
func (s *server) renderProblem(w http.ResponseWriter, err error, page func(*templates.Problem) templates.Page) error {
	p, ok := s.problemOf(err)
	if !ok {
		return err
	}
	status, retry := reply.Status(err)
	return s.showLater(w, status, retry, page(p))
}

// ofReason words why a device's answer was refused. The input matters: a key has no clock.
var ofReason = map[factors.Input]map[factors.Reason]templates.Key{
	factors.InputCode: {
		factors.ReasonWrong: templates.ProblemCodeWrong, factors.ReasonReplayed: templates.ProblemCodeUsed,
		factors.ReasonClock: templates.ProblemClockSlow, factors.ReasonFormat: templates.ProblemCodeFormat,
		factors.ReasonExpired: templates.ProblemCodeWrong, factors.ReasonResync: templates.ProblemCodeResync,
	},
	factors.InputAssertion: {
		factors.ReasonWrong: templates.ProblemKeyRefused, factors.ReasonFormat: templates.ProblemKeyRefused,
		factors.ReasonReplayed: templates.ProblemKeyRefused, factors.ReasonClone: templates.ProblemKeyCloned,
		factors.ReasonPolicy: templates.ProblemKeyPolicy,
	},
	factors.InputBackup: {
		factors.ReasonWrong: templates.ProblemRecoveryWrong, factors.ReasonFormat: templates.ProblemRecoveryWrong,
		factors.ReasonReplayed: templates.ProblemRecoveryWrong, factors.ReasonExpired: templates.ProblemRecoveryWrong,
	},
}

// untilNextCode returns how long a code that was used up now goes on being shown.
func untilNextCode(now time.Time, period time.Duration) time.Duration {
	return period - time.Duration(now.UnixNano()%int64(period))
}

// rejected returns the problem of an answer that was not accepted.
func (s *server) rejected(j authn.Verification, by factors.Input) (p *templates.Problem, status int, retry time.Duration) {
	if j.Wait > 0 {
		p = templates.NewProblem(templates.ProblemWaitCode)
		p.Wait = j.Wait
		return p, http.StatusTooManyRequests, j.Wait
	}
	key, ok := ofReason[by][j.Rejected]
	if !ok {
		key = templates.ProblemCeremonyGone
	}
	n, wait := 0, time.Duration(0)
	switch period := s.Accounts.Method(j.Kind).Period; {
	case j.Rejected == factors.ReasonClock:
		if n = int(j.ClockOff.Round(time.Second) / time.Second); n > 0 {
			key = templates.ProblemClockFast
		}
		n = max(n, -n)
	case j.Rejected != factors.ReasonReplayed || by != factors.InputCode:
	case period > 0:
		wait = untilNextCode(s.Now(), period)
	default:
		key = templates.ProblemCodeNext
	}
	p = templates.NewFieldProblem("code", key)
	p.N, p.Wait = n, wait
	p.Fields["code"] = p.Message
	return p, http.StatusUnauthorized, 0
}

// judged shows a form again after an answer that was not accepted.
func (s *server) judged(w http.ResponseWriter, j authn.Verification, by factors.Input, page func(*templates.Problem) templates.Page) error {
	p, status, retry := s.rejected(j, by)
	return s.showLater(w, status, retry, page(p))
}

// judgedScript is judged for a script. In every case the challenge is used up.
func (s *server) judgedScript(w http.ResponseWriter, r *http.Request, j authn.Verification) error {
	p, status, retry := s.rejected(j, factors.InputAssertion)
	return s.writeScriptError(w, r, status, retry, p.Message, true)
}
