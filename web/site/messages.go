package site

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

// notices and problems map the values of ?done= and ?again= to messages. A redirect sets these parameters. Other
// values are ignored, so that a link cannot put its own words on a page.
var notices = map[string]templates.Key{
	"device_added": templates.NoticeDeviceAdded, "device_removed": templates.NoticeDeviceRemoved,
	"device_frozen": templates.NoticeDeviceFrozen, "devices_frozen": templates.NoticeDevicesFrozen, "device_unfrozen": templates.NoticeDeviceUnfrozen,
	"device_renamed": templates.NoticeDeviceRenamed, "copy_added": templates.NoticeCopyAdded,
	"copy_removed": templates.NoticeCopyRemoved, "codes_kept": templates.NoticeCodesKept, "codes_hidden": templates.NoticeCodesHidden,
	"session_ended": templates.NoticeSessionEnded, "others_ended": templates.NoticeOthersEnded,
	"app_withdrawn":    templates.NoticeAppWithdrawn,
	"password_changed": templates.NoticePasswordChanged, "password_set": templates.NoticePasswordSet,
	"witness_yes": templates.NoticeWitnessYes, "witness_no": templates.NoticeWitnessNo,
	"signed_in": templates.NoticeSignedIn, "device_confirmed": templates.NoticeDeviceConfirmed,
}

var problems = map[string]templates.Key{
	"session_gone": templates.ProblemSessionGone, "enrolment_gone": templates.ProblemEnrolmentGone, "ceremony_gone": templates.ProblemCeremonyGone,
	"codes_replaced": templates.ProblemCodesReplaced,
	"changed":        templates.ProblemChanged, "no_such_thing": templates.ProblemNoSuchThing,
	"no_copies": templates.ProblemNoCopies, "ticket_no_more": templates.ProblemTicketNoMore,
	"witness_over": templates.ProblemWitnessOver,
	"user_code":    templates.ProblemUserCode, "other_device": templates.ProblemOtherDevice,
}

// sentence is a message, and the field that it is about.
type sentence struct {
	key   templates.Key
	field string
}

// problemsByCode maps errors to the messages that a page shows above its form.
var problemsByCode = map[errcode.Code]sentence{
	errcode.SignInFailed:   {templates.ProblemSignIn, ""},
	errcode.RateLimited:    {templates.ProblemWait, ""},
	errcode.Overloaded:     {templates.ProblemBusy, ""},
	errcode.LowSpace:       {templates.ProblemLowSpace, ""},
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

// problemsByField maps errcode.Invalid to messages. The key is "field reason", or "field" for all other reasons.
var problemsByField = map[string]sentence{
	"password too_long":  {templates.ProblemPasswordLong, "password"},
	"password too_short": {templates.ProblemPasswordShort, "password"},
	"password site":      {templates.ProblemPasswordContext, "password"},
	"password about_you": {templates.ProblemPasswordContext, "password"},
	"password common":    {templates.ProblemPasswordCommon, "password"},
	"password breached":  {templates.ProblemPasswordBreached, "password"},
	"password same":      {templates.ProblemPasswordSame, "password"},
	"password":           {templates.ProblemPasswordCommon, "password"},
	"current":            {templates.ProblemPasswordCurrent, "current"},
	"name":               {templates.ProblemNameLength, "name"},
	"name control":       {templates.ProblemNameCharacters, "name"},
	"name invisible":     {templates.ProblemNameCharacters, "name"},
	"email":              {templates.ProblemEmail, "email"},
	"login":              {templates.ProblemEmail, "email"},
	"firstName":          {templates.ProblemNameCharacters, "first"},
	"firstName too_long": {templates.ProblemNameLength, "first"},
	"lastName":           {templates.ProblemNameCharacters, "last"},
	"lastName too_long":  {templates.ProblemNameLength, "last"},
	"digits":             {templates.ProblemDigitsFormat, "digits"},
	"message empty":      {templates.ProblemMissing, "message"},
	"message":            {templates.ProblemMessageLong, "message"},
}

// problemFor returns the message for an error. It returns false for an error without a message.
func (s *Site) problemFor(err error) (*templates.Problem, bool) {
	e, ok := errors.AsType[*errcode.Error](err)
	if !ok {
		return nil, false
	}
	l, ok := problemsByCode[e.Code]
	if e.Code == errcode.Invalid {
		if l, ok = problemsByField[e.Field+" "+e.Reason]; !ok {
			l, ok = problemsByField[e.Field]
		}
	}
	if !ok {
		return nil, false
	}
	p := problemAt(l)
	p.Wait = e.RetryAfter
	if l.key == templates.ProblemPasswordShort {
		p.N = s.MinPassword()
		p.Fields["password"] = p.Message
	}
	return p, true
}

func problemAt(l sentence) *templates.Problem {
	if l.field == "" {
		return templates.NewProblem(l.key)
	}
	return templates.NewFieldProblem(l.field, l.key)
}

// MinPassword returns the minimum length of a password, in characters.
func (s *Site) MinPassword() int { return s.Accounts.Hasher.Policy.Min }

// RenderProblem renders a form again with the message for err. It returns err if there is no message for it.
func (s *Site) RenderProblem(w http.ResponseWriter, err error, page func(*templates.Problem) templates.Page) error {
	p, ok := s.problemFor(err)
	if !ok {
		return err
	}
	status, retry := reply.Status(err)
	return s.RenderAfter(w, status, retry, page(p))
}

// problemsByReason maps the reasons for a rejected answer to messages, for each input.
var problemsByReason = map[factors.Input]map[factors.Reason]templates.Key{
	factors.InputCode: {
		factors.ReasonWrong: templates.ProblemCodeWrong, factors.ReasonReplayed: templates.ProblemCodeUsed,
		factors.ReasonClock: templates.ProblemClockSlow, factors.ReasonFormat: templates.ProblemCodeFormat,
		factors.ReasonExpired: templates.ProblemCodeWrong, factors.ReasonResync: templates.ProblemCodeResync,
	},
	factors.InputAssertion: {
		factors.ReasonWrong: templates.ProblemKeyRefused, factors.ReasonFormat: templates.ProblemKeyRefused,
		factors.ReasonReplayed: templates.ProblemKeyRefused, factors.ReasonClone: templates.ProblemKeyCloned,
		factors.ReasonPolicy: templates.ProblemKeyPolicy, factors.ReasonPIN: templates.ProblemKeyPIN,
		factors.ReasonBackup: templates.ProblemKeyBackup, factors.ReasonTaken: templates.ProblemKeyTaken,
	},
	factors.InputBackup: {
		factors.ReasonWrong: templates.ProblemRecoveryWrong, factors.ReasonFormat: templates.ProblemRecoveryWrong,
		factors.ReasonReplayed: templates.ProblemRecoveryWrong, factors.ReasonExpired: templates.ProblemRecoveryWrong,
	},
}

// untilNextCode returns the time until an authenticator app shows the next code.
func untilNextCode(now time.Time, period time.Duration) time.Duration {
	return period - time.Duration(now.UnixNano()%int64(period))
}

// Rejected returns the message, the status and the waiting time for a rejected answer.
func (s *Site) Rejected(v authn.Verification, by factors.Input) (p *templates.Problem, status int, retry time.Duration) {
	if v.Wait > 0 {
		p = templates.NewProblem(templates.ProblemWaitCode)
		p.Wait = v.Wait
		return p, http.StatusTooManyRequests, v.Wait
	}
	key, ok := problemsByReason[by][v.Rejected]
	if !ok {
		key = templates.ProblemCeremonyGone
	}
	n, wait := 0, time.Duration(0)
	switch period := s.Accounts.Method(v.Kind).Period; {
	case v.Rejected == factors.ReasonClock:
		if n = int(v.ClockOff.Round(time.Second) / time.Second); n > 0 {
			key = templates.ProblemClockFast
		}
		n = max(n, -n)
	case v.Rejected != factors.ReasonReplayed || by != factors.InputCode:
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

// RenderRejected renders a form again after a rejected answer.
func (s *Site) RenderRejected(w http.ResponseWriter, v authn.Verification, by factors.Input, page func(*templates.Problem) templates.Page) error {
	p, status, retry := s.Rejected(v, by)
	return s.RenderAfter(w, status, retry, page(p))
}

// WriteRejected answers a script whose assertion was rejected. The page must be reloaded: each challenge can be used once.
func (s *Site) WriteRejected(w http.ResponseWriter, r *http.Request, v authn.Verification) error {
	p, status, retry := s.Rejected(v, factors.InputAssertion)
	return s.writeScriptError(w, r, status, retry, p.Message, true)
}

// WriteNotEnrolled answers a script whose new key was rejected.
func (s *Site) WriteNotEnrolled(w http.ResponseWriter, r *http.Request, v authn.Verification) error {
	p, _, _ := s.Rejected(v, factors.InputAssertion)
	if p.Message.Key == templates.ProblemKeyRefused { // which is about keys that are enrolled
		p.Message.Key = templates.ProblemKeyEnrol
	}
	return s.writeScriptError(w, r, http.StatusUnprocessableEntity, 0, p.Message, true)
}
