package templates

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"barillet/internal/notice"
)

// Sample is a page in one state with sample data. Tests render every sample; handlers use none.
type Sample struct {
	Name string // such as "factor-key"
	Page Page
}

// sampleDay is the date of the samples.
var sampleDay = time.Date(2026, time.March, 1, 9, 41, 0, 0, time.UTC)

// Gallery returns every page in every state that looks different, in one language.
func Gallery(lang string) []Sample {
	var out []Sample
	for _, more := range [][]Sample{gallerySignIn(lang), galleryEnrol(lang), galleryAccount(lang), galleryHelp(lang), galleryReference(lang), galleryApps(lang)} {
		out = append(out, more...)
	}
	return out
}

func gallerySignIn(lang string) []Sample {
	b := Base{Lang: lang, Path: "/login"}
	refused := func(p *Problem) Base { c := b; c.Problem = p; return c }
	signedIn := Base{Lang: lang, Path: "/", SignedIn: true, Name: "Amélie Durand", SubjectToken: "u1.abc"}
	second := Base{Lang: lang, Path: "/login/factor", Name: "Amélie Durand", SubjectToken: "u1.abc"}
	withNotice := func(m *Message) Base { c := b; c.Notice = m; return c }
	keys := []string{"Clé du trousseau"}
	slow := &Problem{Message: Message{Key: ProblemClockSlow, N: 95}}
	waits := &Problem{Message: Message{Key: ProblemWait}, Wait: 95 * time.Second}
	stopped := &Problem{Message: Message{Key: ProblemWaitCode}, Wait: 15 * time.Minute}
	attacked := &Problem{Message: Message{Key: ProblemWaitPassword}, Wait: 15 * time.Minute}
	short := &Problem{Message: Message{Key: ProblemPasswordShort, N: 8}, Fields: map[string]Message{"password": {Key: ProblemPasswordShort, N: 8}}}
	const login = "amelie.durand@garage.example"
	return []Sample{
		{"login", Login{Base: b}},
		{"login-refused", Login{Base: refused(NewProblem(ProblemSignIn)), Identifier: login}},
		{"login-waits", Login{Base: refused(attacked), Identifier: login}},
		{"factor", Factor{Base: b, Method: "code", Slug: "phone", DeviceName: "Téléphone d’Amélie", Phones: 2, Keys: keys, Recovery: true}},
		{"factor-one", Factor{Base: second, Method: "code", Slug: "phone", DeviceName: "Téléphone d’Amélie", Phones: 1}},
		{"factor-wrong", Factor{Base: refused(NewFieldProblem("code", ProblemCodeWrong)), Method: "code", Slug: "phone", DeviceName: "Téléphone d’Amélie", Phones: 1, Recovery: true}},
		{"factor-clock", Factor{Base: refused(slow), Method: "code", Slug: "phone", DeviceName: "Téléphone d’Amélie", Phones: 1}},
		{"factor-waits", Factor{Base: refused(waits), Method: "code", Slug: "phone", DeviceName: "Téléphone d’Amélie", Phones: 1, Keys: keys}},
		{"factor-stopped", Factor{Base: refused(stopped), Method: "code", Slug: "phone", DeviceName: "Téléphone d’Amélie", Phones: 1, Keys: keys, Recovery: true}},
		{"factor-token", Factor{Base: b, Method: "code", Slug: "token", DeviceName: "Boîtier du trousseau", Phones: 1, Recovery: true}},
		{"factor-resync", Factor{Base: refused(NewFieldProblem("code", ProblemCodeResync)), Method: "code", Slug: "token", DeviceName: "Boîtier du trousseau", Phones: 2}},
		{"factor-key", Factor{Base: b, Method: "key", DeviceName: "Clé du trousseau", Phones: 1, Keys: keys, KeyOptions: json.RawMessage(`{"publicKey":{"challenge":"AAAA"}}`), Recovery: true}},
		{"recovery", Recovery{Base: b, Phones: 1, Keys: keys}},
		{"recovery-wrong", Recovery{Base: refused(NewFieldProblem("code", ProblemRecoveryWrong)), Phones: 1}},
		{"ticket", Ticket{Base: withNotice(NewNotice(NoticeWereReset)), CanRenew: true}},
		{"ticket-wrong", Ticket{Base: refused(NewFieldProblem("ticket", ProblemTicketWrong)), CanRenew: true}},
		{"ticket-expired", Ticket{Base: b, State: TicketExpired, CanRenew: true}},
		{"ticket-used", Ticket{Base: b, State: TicketUsed}},
		{"ticket-same-hand", Ticket{Base: b, State: TicketSameProvenance}},
		{"ticket-renewed", Ticket{Base: b, State: TicketRenewed}},
		{"ticket-link", TicketLink{Base: b, Token: "abc"}},
		{"ticket-link-used", TicketLink{Base: b, Token: "abc", State: TicketUsed}},
		{"blocked", Blocked{Base: b}},
		{"together", Together{Base: second}},
		{"together-waits", Together{Base: second, Digits: "47"}},
		{"together-asked", Together{Base: second, Digits: "47", Witness: "Paul Martin"}},
		{"together-early", Together{Base: refused(NewFieldProblem("ticket", ProblemNoCodeYet)), Digits: "07"}},
		{"blocked-invited", Blocked{Base: b, Invited: true}},
		{"invite", Invite{Base: b, Token: "abc", Inviter: "Karim Benali", Group: "Garage du Canal", Login: login, MinLength: 8}},
		{"invite-short", Invite{Base: refused(short), Token: "abc", Group: "Garage du Canal", Login: login, MinLength: 8}},
		{"invite-by", Invite{Base: b, Token: "abc", Inviter: "Karim Benali", Login: login, MinLength: 8}},
		{"invite-service", Invite{Base: b, Token: "abc", Login: login, MinLength: 8}},
		{"invite-gone", Invite{Base: b, Gone: true}},
		{"setup", Setup{Base: b, Token: "abc", MinLength: 8}},
		{"setup-short", Setup{Base: refused(short), Token: "abc", Email: login, First: "Amélie", Last: "Durand", MinLength: 8}},
		{"setup-taken", Setup{Base: refused(NewFieldProblem("email", ProblemEmailTaken)), Token: "abc", Email: login, First: "Amélie", Last: "Durand", MinLength: 8}},
		{"setup-gone", Setup{Base: b, Gone: true}},
		{"forgot", Forgot{Base: b}},
		{"forgot-sent", ForgotSent{b}},
		{"new-password", NewPassword{Base: b, Token: "abc", Login: login, MinLength: 8}},
		{"new-password-gone", NewPassword{Base: b, Gone: true}},
		{"password-required", PasswordRequired{Base: b, Login: login, MinLength: 8}},
		{"password-required-exposed", PasswordRequired{Base: b, Login: login, Exposed: true, MinLength: 8}},
		{"freeze-sign-in", Freeze{Base: second, Action: "/login/freeze", Devices: []Device{{ID: "d1", Name: "Téléphone d’Amélie", Slug: "phone", Input: "code",
			Copies: []Copy{{ID: "c1", Name: "Tablette de l’atelier"}}}, {ID: "d2", Name: "Clé du trousseau", Slug: "key", Input: "key"}}}},
		{"freeze-last-admin", Freeze{Base: refused(NewProblem(ProblemLastAdmin)), Action: "/login/freeze", Devices: []Device{{ID: "d2", Name: "Clé du trousseau", Slug: "key", Input: "key"}}}},
		{"freeze-link", FreezeLink{Base: b, Token: "abc", Login: login}},
		{"freeze-link-gone", FreezeLink{Base: b, Gone: true}},
		{"frozen", Frozen{b}},
		{"password-required-temporary", PasswordRequired{Base: refused(short), Login: login, Temporary: true, MinLength: 8}},
		{"logged-out", LoggedOut{b}},
		{"other-user-link", OtherUser{Base: signedIn, Link: true, Now: "Amélie Durand", Stay: "/account", Restart: "/invite/abc"}},
		{"other-user-page", OtherUser{Base: signedIn, Was: "Karim Benali", Now: "Amélie Durand", Stay: "/account", Restart: "/login"}},
		{"other-user-nobody", OtherUser{Base: signedIn, Now: "Amélie Durand", Stay: "/account", Restart: "/login"}},
	}
}

func galleryEnrol(lang string) []Sample {
	b := Base{Lang: lang, Path: "/enrol"}
	wrong := b
	wrong.Problem = NewFieldProblem("code", ProblemCodeWrong)
	codes := strings.Fields("K7QM-4T9X-2H6B-9WRE 3FDA-P8SN-6YVJ-1C5G 8ZTB-7KWM-5N2Q-4XHE R6PD-9CSA-3GVF-7YJ2 M4XN-2BTE-8QKW-6H9Z " +
		"5VSC-1RGD-4PAJ-8F7Y T3HW-6MZK-9ENB-2QX7 C8YJ-5FPG-7DVR-3S1A 9QEX-4NTB-1WKH-5ZM6 J2GA-8SVD-6RCF-9PY4")
	return []Sample{
		{"choose-first", ChooseDevice{Base: b, First: true, Choices: sampleChoices()}},
		{"choose-full", ChooseDevice{Base: b, Full: []string{"phone", "key", "token"}}},
		{"phone-okta", Enrol{Base: b, Slug: "phone", View: sampleScan(), App: AppOkta, DeviceName: "Téléphone", First: true}},
		{"phone-google", Enrol{Base: wrong, Slug: "phone", View: sampleScan(), App: AppGoogle, DeviceName: "Téléphone"}},
		{"phone-other", Enrol{Base: b, Slug: "phone", View: sampleScan(), App: AppOther, DeviceName: "Téléphone"}},
		{"enrol-key", Enrol{Base: b, Slug: "key", Options: json.RawMessage(`{"publicKey":{"challenge":"AAAA"}}`), DeviceName: "YubiKey", First: true}},
		{"second", AddSecondDevice{Base: b, DeviceName: "Téléphone d’Amélie"}},
		{"token", Enrol{Base: b, Slug: "token", View: sampleScan(), First: true}},
		{"codes", Enrol{Base: b, Slug: "recovery", View: map[string]any{"codes": codes}, Login: "amelie.durand@garage.example"}},
		{"codes-renewed", Enrol{Base: b, Slug: "recovery", View: map[string]any{"codes": codes}, Login: "amelie.durand@garage.example", List: "d9", OldUntil: sampleDay}},
	}
}

func galleryAccount(lang string) []Sample {
	b := Base{Lang: lang, Path: "/account", SignedIn: true, Name: "Amélie Durand"}
	wrongDigits := b
	wrongDigits.Problem = NewFieldProblem("digits", ProblemDigits)
	wrongDigits.Problem.N = 2
	wrongDigits.Problem.Fields["digits"] = wrongDigits.Problem.Message
	with := func(n *Message) Base { c := b; c.Notice = n; return c }
	phone := Device{ID: "d1", Name: "Téléphone d’Amélie", Slug: "phone", Input: "code", Shareable: true, App: AppOkta, Added: sampleDay.AddDate(0, -3, 0), LastUsed: sampleDay,
		Copies: []Copy{{ID: "c1", Name: "Tablette de l’atelier", Shown: sampleDay.AddDate(0, -1, 2), Confirmed: true}, {ID: "c2", Name: "Ancien téléphone", Shown: sampleDay, ScanAgain: true}, {ID: "c3", Name: "Téléphone de Karim", Shown: sampleDay}}}
	key := Device{ID: "d2", Name: "Clé du trousseau", Slug: "key", Input: "key", Added: sampleDay.AddDate(0, 0, -9)}
	cloned := Device{ID: "d3", Name: "Ancienne clé", Slug: "key", Input: "key", Added: sampleDay.AddDate(-1, 0, 0), Disabled: "clone"}
	offered := Device{ID: "d4", Name: "Téléphone du garage", Slug: "phone", Input: "code", App: AppGoogle, Added: sampleDay, Disabled: "unconfirmed", By: "Karim Benali"}
	frozen := Device{ID: "d5", Name: "Téléphone perdu", Slug: "phone", Input: "code", Added: sampleDay.AddDate(0, -3, 0), LastUsed: sampleDay, Frozen: sampleDay}
	frozenBy := Device{ID: "d6", Name: "Ancien téléphone", Slug: "phone", Input: "code", Added: sampleDay.AddDate(0, -3, 0), LastUsed: sampleDay, Frozen: sampleDay, FrozenBy: "Karim Benali"}
	only := Device{ID: "d1", Name: "Téléphone", Slug: "phone", Input: "code", App: AppGoogle, Added: sampleDay, LastUsed: sampleDay, Last: true}
	sessions := []Session{{ID: "s1", Browser: "Firefox, Android", Address: "192.0.2.17", Started: sampleDay.Add(-time.Hour), Seen: sampleDay, This: true},
		{ID: "s2", Address: "2001:db8::17", Started: sampleDay.Add(-26 * time.Hour), Seen: sampleDay.Add(-3 * time.Hour)},
		{ID: "s3", Program: true, Address: "192.0.2.80", Started: sampleDay, Seen: sampleDay}}
	var history []Event
	for _, action := range []string{"user.session.start", "user.mfa.factor.activate", "barillet.factor.shown_again", "something.new"} {
		for _, ok := range []bool{true, false} {
			history = append(history, Event{At: sampleDay, Action: action, Device: "Téléphone", Browser: "Firefox, Android", Address: "192.0.2.17", OK: ok})
		}
	}
	keys := []string{key.Name}
	goesOn := with(NewNotice(NoticeDeviceAdded))
	goesOn.Next = "/oauth2/v1/continue?request=r1"
	shownWait := DeviceShow{Base: b, Device: phone, CopyName: "Tablette", Wait: 21 * time.Second}
	return []Sample{
		{"witness", Witness{Base: b, ID: "u1-x", By: "Karim Benali", User: "Léa Vasseur", Group: "Garage du Canal", Code: true, Keys: true}},
		{"witness-wait", Witness{Base: b, ID: "u1-x", By: "Karim Benali", User: "Léa Vasseur", Group: "Garage du Canal", Code: true, Wait: 17 * time.Second}},
		{"witness-key", Witness{Base: b, ID: "u1-x", By: "Karim Benali", User: "Léa Vasseur", Group: "Garage du Canal", Keys: true}},
		{"witness-digits", Witness{Base: b, ID: "u1-x", By: "Karim Benali", User: "Léa Vasseur", Group: "Garage du Canal", Proven: true}},
		{"witness-wrong", Witness{Base: wrongDigits, ID: "u1-x", By: "Karim Benali", User: "Léa Vasseur", Proven: true}},
		{"witness-none", Witness{Base: b, ID: "u1-x", By: "Karim Benali", User: "Léa Vasseur", Group: "Garage du Canal"}},
		{"account-asked", Account{Base: b, Locale: lang, Login: "amelie.durand@garage.example", Groups: []string{"Garage du Canal"}, Devices: []Device{key},
			Asked: []Asked{{ID: "u1-x", By: "Karim Benali", User: "Léa Vasseur"}}}},
		{"account", Account{Base: with(NewNotice(NoticeDeviceAdded)), Locale: lang, Login: "amelie.durand@garage.example", Groups: []string{"Garage du Canal"}, Devices: []Device{phone, key, cloned, offered},
			Recovery: sampleRecovery(2), CopiesAllowed: true, Sessions: sessions, Events: history,
			Applications: []Application{{ID: "c1", Name: "Planning de l’atelier", Since: sampleDay.AddDate(0, -2, 0)}, {ID: "c2", Name: "Stock", Since: sampleDay}}}},
		{"account-maybe-lost", Account{Base: with(NewNotice(NoticeDeviceAdded)), Locale: lang, Login: "amelie.durand@garage.example", Devices: []Device{phone, key}, Recovery: sampleRecovery(1), MaybeLost: []Device{phone, key}, Sessions: sessions[:1]}},
		{"account-continue", Account{Base: goesOn, App: "Planning de l’atelier", Locale: lang, Login: "amelie.durand@garage.example", Devices: []Device{phone, key}, Recovery: sampleRecovery(1), MaybeLost: []Device{phone}, Sessions: sessions[:1]}},
		{"account-add-first", Account{Base: b, Locale: lang, Login: "amelie.durand@garage.example", Devices: []Device{only}, Recovery: sampleRecovery(1), MaybeLost: []Device{only}, AddFirst: true, Sessions: sessions[:1]}},
		{"account-at-risk", Account{Base: b, Locale: lang, Login: "amelie.durand@garage.example", Devices: []Device{only}, AtRisk: true, Sessions: sessions[:1]}},
		{"account-cool-off", Account{Base: b, Locale: lang, Login: "amelie.durand@garage.example", Devices: []Device{phone, key}, Administrator: true, CoolOffUntil: sampleDay.Add(24 * time.Hour), Sessions: sessions[:1]}},
		{"prove", StepUp{Base: b, Next: "/account/add", Operation: Message{Key: OperationAddDevice}, Method: "code", Phones: 1, Keys: keys, Wait: 21 * time.Second}},
		{"prove-key", StepUp{Base: b, Next: "/account/add", Operation: Message{Key: OperationRemoveDevice, Args: map[string]string{"Device": phone.Name}}, Method: "key", Phones: 1, Keys: keys, KeyOptions: json.RawMessage(`{"publicKey":{}}`)}},
		{"add", AddDevice{Base: b, Choices: sampleChoices(), Phones: []Device{phone}, CopiesAllowed: true}},
		{"add-full", AddDevice{Base: b, Full: []string{"phone", "key", "token"}}},
		{"account-frozen", Account{Base: with(NewNotice(NoticeDeviceFrozen)), Locale: lang, Login: "amelie.durand@garage.example", Devices: []Device{frozen, frozenBy, key}, Recovery: sampleRecovery(1), Sessions: sessions[:1]}},
		{"freeze", Freeze{Base: b, Action: "/account/freeze", Devices: []Device{phone, key}}},
		{"unfreeze", DeviceUnfreeze{Base: b, Device: frozen, Proofs: keys}},
		{"unfreeze-none", DeviceUnfreeze{Base: b, Device: frozen}},
		{"device-remove", DeviceRemove{Base: b, Device: phone}},
		{"device-confirm", DeviceConfirm{Base: b, Device: offered}},
		{"device-show", DeviceShow{Base: b, Device: phone}},
		{"device-show-waits", shownWait},
		{"device-shown", DeviceShown{Base: b, Scan: sampleScan(), Device: phone, CopyID: "c9", CopyName: "Tablette"}},
		{"copy-remove", CopyRemove{Base: b, Device: phone, Copy: phone.Copies[0], Others: []string{phone.Name}, Proven: true}},
		{"copy-remove-alone", CopyRemove{Base: b, Device: phone, Copy: phone.Copies[0]}},
		{"replace", Replace{Base: b, Scan: sampleScan(), Device: phone, Lost: "Tablette de l’atelier", Others: []string{"Ancien téléphone"}, Works: true}},
		{"recovery-renew", RecoveryRenew{Base: b, Recovery: sampleRecovery(1)}},
		{"recovery-renew-two", RecoveryRenew{Base: b, Recovery: sampleRecovery(2)}},
		{"recovery-first", RecoveryRenew{Base: b}},
		{"password-change", PasswordChange{Base: b, Login: "amelie.durand@garage.example", MinLength: 8}},
	}
}

func galleryHelp(lang string) []Sample {
	b := Base{Lang: lang, Path: "/help"}
	wrong := b
	wrong.Problem = NewFieldProblem("message", ProblemMessageLong)
	full := b
	full.Problem = NewProblem(ProblemLowSpace)
	head := MailHead{ID: "m1", To: "amelie.durand@garage.example", Subject: "Barillet : vos appareils ont été réinitialisés", At: sampleDay}
	out := []Sample{
		{"help", Help{b}},
		{"help-signed-in", Help{Base{Lang: lang, Path: "/help", SignedIn: true, Name: "Amélie Durand"}}},
		{"help-request", HelpRequest{Base: b, Freeze: "/login/freeze", Topic: notice.TopicPhoneLost}},
		{"help-request-wrong", HelpRequest{Base: wrong, Email: "amelie.durand@garage.example", Topic: notice.TopicOther, Message: "…"}},
		{"help-request-low-space", HelpRequest{Base: full, Freeze: "/login/freeze", Email: "amelie.durand@garage.example", Topic: notice.TopicPhoneLost, Message: "…"}},
		{"help-sent", HelpSent{Base: b, Reference: "H-7K3F-2Q9M-4TBX"}},
		{"help-progress", HelpProgress{Base: b, Requests: []SentRequest{{"H-7K3F-2Q9M-4TBX", sampleDay, "in_progress"}, {"H-9QEX-4NTB-1WKH", sampleDay, "open"},
			{"H-5ZM6-J2GA-8SVD", sampleDay, "resolved"}, {"H-6RCF-9PY4-R6PD", sampleDay, "rejected"}, {"H-8ZTB-7KWM-5N2Q", sampleDay, ""}}}},
		{"help-progress-none", HelpProgress{Base: b}},
		{"mailbox", Mailbox{Base: b, Mails: []MailHead{head, head}}},
		{"mailbox-empty", Mailbox{Base: b}},
		{"mail", MailView{Base: b, MailHead: head, Text: "Bonjour Amélie Durand,\n\n…\n", Links: []string{"http://localhost:8080/ticket/abc"}}},
	}
	for _, status := range failureStatuses {
		f := Failure{Base: b, Status: status}
		switch status {
		case 429:
			f.Wait = 7 * time.Minute
		case 503:
			f.Wait = time.Minute
		case 500:
			f.ID = "3f9c2a7b"
		}
		out = append(out, Sample{"failure-" + strconv.Itoa(status), f})
	}
	return out
}

// sampleRecovery returns one or two lists of recovery codes.
func sampleRecovery(lists int) RecoveryCodes {
	c := RecoveryCodes{Lists: []RecoveryList{{Shown: sampleDay.AddDate(0, -3, 0), Left: 8}}}
	if lists == 2 {
		c.Lists, c.Until = append(c.Lists, RecoveryList{Shown: sampleDay, Left: 10}), sampleDay.AddDate(0, 0, 1)
	}
	return c
}

// sampleChoices returns the kinds of device that a service offers.
func sampleChoices() []Choice {
	return []Choice{{Kind: "totp", Slug: "phone", Input: "code", App: AppOkta}, {Kind: "totp", Slug: "phone", Input: "code", App: AppGoogle},
		{Kind: "totp", Slug: "phone", Input: "code", App: AppOther}, {Kind: "webauthn", Slug: "key", Input: "key"},
		{Kind: "hotp", Slug: "token", Input: "code"}}
}

// sampleScan returns a picture of the size of a QR code. It is not a valid QR code.
func sampleScan() Scan {
	var d strings.Builder
	for y := range 45 {
		for x := range 45 {
			if (x*x+y*y*3+x*y)%7 < 3 {
				d.WriteString("M" + strconv.Itoa(x+4) + " " + strconv.Itoa(y+4) + "h1v1h-1z")
			}
		}
	}
	return Scan{
		URI:    "otpauth://totp/Barillet:amelie.durand@garage.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Barillet",
		Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
		QR:     QR{Size: 53, Path: d.String()},
	}
}

// GalleryMails returns at least one notice of each kind.
func GalleryMails() []notice.Notice {
	a := notice.Context{Name: "Amélie Durand", At: sampleDay, Browser: "Firefox, Android", Address: "192.0.2.17"}
	acts := a
	a.Freeze = "https://login.garage.example/freeze/N1p4Zr0cQy7uVt2sWx8kJmEoLbDfHgAa5R3i9T6e1Uw"
	until := sampleDay.Add(24 * time.Hour)
	const link = "https://login.garage.example/ticket/abcdefghijklmnopqrstuvwxyz"
	return []notice.Notice{
		notice.Invitation{Context: a, Inviter: "Karim Benali", Group: "Garage du Canal", Login: "amelie.durand@garage.example", Link: link, Until: until},
		notice.Invitation{Group: "Garage du Canal", Login: "amelie.durand@garage.example", Link: link, Until: until},
		notice.Invitation{Inviter: "Karim Benali", Login: "amelie.durand@garage.example", Link: link, Until: until},
		notice.Invitation{Login: "amelie.durand@garage.example", Link: link, Until: until},
		notice.DevicesReset{Context: a, Link: link, Code: "K7QM-4T9X", Until: until},
		notice.UserDevicesReset{Context: a, User: "Amélie Durand", By: "Karim Benali", Reason: "Téléphone perdu, rappelée au numéro connu."},
		notice.DeviceAdded{Context: a, Device: "Tablette de l’atelier"},
		notice.DeviceEnrolledByAdmin{Context: a, Device: "Tablette de l’atelier", By: "Karim Benali"},
		notice.DeviceEnrolledByAdmin{Context: a, Device: "Tablette de l’atelier", By: "Karim Benali", Unconfirmed: true},
		notice.DeviceSignedIn{Context: a, App: "Planning d’atelier"},
		notice.DeviceRemoved{Context: a, Device: "Tablette de l’atelier"},
		notice.QRShown{Context: a, Device: "Téléphone d’Amélie"},
		notice.CopyConfirmed{Context: a, Device: "Téléphone d’Amélie", Copy: "Tablette"},
		notice.RecoveryUsed{Context: a, Remaining: 1},
		notice.RecoveryShown{Context: a}, notice.RecoveryShown{Context: a, OldUntil: sampleDay},
		notice.PasswordChanged{Context: a},
		notice.AddressChanged{Context: a, By: "Karim Benali", Login: "amelie.durand@garage.example"},
		notice.AddressChanged{Context: a, By: "Karim Benali", Numbers: true},
		notice.PhoneChanged{Context: a, By: "Karim Benali"},
		notice.PasswordLink{Context: a, Link: link, Until: until},
		notice.PasswordLinkShown{Context: a, By: "Karim Benali"},
		notice.PasswordSetByAdmin{Context: a, By: "Karim Benali"},
		notice.PasswordSetByAdmin{Context: a, By: "Karim Benali", Temporary: true},
		notice.Welcome{Context: notice.Context{Name: a.Name}, Group: "Garage du Canal", Login: "amelie.durand@garage.example", Device: "Okta", Link: link, Until: until},
		notice.Welcome{Context: notice.Context{Name: a.Name}, Login: "amelie.durand@garage.example", Device: "Okta", Link: link, Until: until},
		notice.NewBrowser{Context: a},
		notice.Digest{Entries: []notice.DigestEntry{{At: a.At, Subject: "Barillet : appareil ajouté"}, {At: a.At, Subject: "Barillet : appareil retiré"}}},
		notice.WrongCodes{Context: a, Count: 3},
		notice.HelpReceived{Context: a, Reference: "H-7K3F-2Q9M-4TBX"},
		notice.HelpForSupport{Context: a, Reference: "H-7K3F-2Q9M-4TBX", From: "amelie.durand@garage.example", KnownUser: true, Topic: notice.TopicCannotLogIn, Message: "Téléphone cassé ce matin.\nMerci !",
			User: "Amélie Durand", Group: "Garage du Port", Number: "+33 1 23 45 67 89", PasswordProven: true},
		notice.HelpWaiting{Context: notice.Context{At: a.At}, Count: 61},
		notice.HelpForSupport{Context: a, Reference: "H-8F7Y-T3HW-6MZK", KnownBrowser: true, Open: "H-7K3F-2Q9M-4TBX", From: "amelie.durand@garage.example", KnownUser: true, Topic: notice.TopicOther, User: "Amélie Durand"},
		notice.HelpForSupport{Reference: "H-5VSC-1RGD-4PAJ", From: "x@y.example", Topic: notice.TopicOther},
		notice.HelpAnswered{Context: a, Reference: "H-7K3F-2Q9M-4TBX", Answer: "Vos appareils ont été réinitialisés."},
		notice.HelpAnswered{Context: a, Reference: "H-5VSC-1RGD-4PAJ", Answer: "Passez au comptoir avec votre badge.", Rejected: true},
		notice.DevicesFrozen{Context: acts, Devices: []string{"Téléphone d’Amélie", "Clé du trousseau"}, All: true},
		notice.DevicesFrozen{Context: notice.Context{Name: a.Name, At: a.At}, Devices: []string{"Téléphone d’Amélie"}, By: "Karim Benali"},
		notice.DevicesFrozen{Context: notice.Context{Name: a.Name, At: a.At}, By: "Karim Benali"},
		notice.DeviceUnfrozen{Context: a, Device: "Téléphone d’Amélie"},
		notice.CodesStopped{Context: a, Count: 100},
		notice.PasswordExposed{Context: a, Count: 20},
		notice.SecurityKeyDisabled{Context: a, Device: "Clé du trousseau"},
		notice.SpaceLow{Context: a, Free: "40 MiB"},
		notice.CertificateProblem{Context: a, Problem: "missing"},
		notice.CertificateProblem{Context: a, Problem: "expired", Expires: a.At},
		notice.CertificateProblem{Context: a, Problem: "expiring", Expires: until},
		notice.CertificateProblem{Context: a, Problem: "unreadable", Expires: until},
		notice.BackupFailed{Context: a, Last: until},
		notice.BackupFailed{Context: a},
		notice.TicketShown{Context: a, By: "Karim Benali"},
		notice.TicketShown{Context: a, By: "Karim Benali", User: "Amélie Durand"},
		notice.TicketShown{Context: a, By: "Karim Benali", User: "Amélie Durand", Witness: "Paul Martin"},
		notice.WitnessAsked{Context: a, By: "Karim Benali", User: "Amélie Durand", Group: "Garage du Canal", Link: "https://login.example/account/witness/u3k9x7q2mzvb5n8t4hw6jg1cdxy-reset-k4h9w2", Until: until},
		notice.WitnessAsked{Context: a, By: "Karim Benali", User: "Amélie Durand", Link: "https://login.example/account/witness/u3k9x7q2mzvb5n8t4hw6jg1cdxy-k4h9w2", Until: until},
		notice.HandoverRefused{Context: a, By: "Karim Benali", Witness: "Paul Martin"},
		notice.HandoverRefused{Context: a, By: "Karim Benali", Witness: "Paul Martin", User: "Amélie Durand"},
		notice.HandoverRefused{Context: a, By: "Karim Benali", Witness: "Paul Martin", Wrong: true},
		notice.HandoverRefused{Context: a, By: "Karim Benali", Witness: "Paul Martin", User: "Amélie Durand", Wrong: true},
		notice.RoleChanged{Context: a, By: "Karim Benali", Role: "HELP_DESK_ADMIN", Assigned: true},
		notice.RoleChanged{Context: a, By: "Karim Benali", Role: "USER_ADMIN"},
		notice.RoleChanged{Context: a, By: "Karim Benali", Role: "SUPER_ADMIN", Assigned: true, User: "Léa Vasseur"},
		notice.RoleChanged{Context: a, By: "Karim Benali", Role: "SUPER_ADMIN", User: "Léa Vasseur"},
		notice.RoleChanged{Context: a, By: "Karim Benali", Role: "READ_ONLY_ADMIN", Assigned: true},
		notice.ApprovalRequested{Context: a, Operation: "reset", By: "Karim Benali", Until: until},
		notice.ApprovalRequested{Context: a, Operation: "role", By: "Karim Benali", Until: until},
		notice.ApprovalRequested{Context: a, Operation: "profile", By: "Karim Benali", Until: until},
		notice.ApprovalRequested{Context: a, Operation: "role", By: "Karim Benali", User: "Léa Vasseur", ID: "u3k9x7q2mzvb5n8t4hw6jg1cdxy-role-k4h9w2", Until: until},
		notice.ApprovalRequested{Context: a, Operation: "profile", By: "Karim Benali", User: "Léa Vasseur", ID: "u3k9x7q2mzvb5n8t4hw6jg1cdxy-profile-k4h9w2", Until: until},
		notice.ApprovalRequested{Context: a, Operation: "reset", By: "Karim Benali", User: "Léa Vasseur", Reason: "Téléphone perdu.", ID: "u3k9x7q2mzvb5n8t4hw6jg1cdxy-k4h9w2", Until: until},
		notice.TokenCreated{Context: a, By: "Karim Benali", TokenName: "import", Until: until},
		notice.TokenCreated{Context: a, By: "Barillet", TokenName: "Terraform"},
	}
}
