package notice

import (
	"time"
)

// Notice is one kind of mail with what it is filled with. It survives JSON, so that the outbox can hold it.
type Notice interface {
	Name() string // of the kind, as stored in the outbox: "devices_reset"
}

// Context is what every mail tells: to whom, when it happened, from which browser and address.
type Context struct {
	Name    string    `json:"name,omitempty"`    // greeted; "" is greeted without a name
	At      time.Time `json:"at,omitzero"`       // zero: no line about it
	Browser string    `json:"browser,omitempty"` // "Firefox, Android"
	Address string    `json:"address,omitempty"` // IP address
}

// InvitationMail invites a person who never had a device. Link is the only secret that a mail of this kind holds.
type InvitationMail struct {
	Context
	Inviter string    `json:"inviter,omitempty"`
	Garage  string    `json:"garage,omitempty"`
	Login   string    `json:"login"`
	Link    string    `json:"link"`
	Until   time.Time `json:"until"`
}

// WelcomeMail tells a person whose account and phone were brought from another house how to choose a password.
type WelcomeMail struct {
	Context
	Garage string    `json:"garage,omitempty"`
	Login  string    `json:"login"`
	Device string    `json:"device"` // as their app shows it
	Link   string    `json:"link"`
	Until  time.Time `json:"until"`
}

// DevicesResetMail carries the ticket of a reset to the person.
type DevicesResetMail struct {
	Context
	Link  string    `json:"link"`
	Code  string    `json:"code"` // two groups of four
	Until time.Time `json:"until"`
}

// DevicesResetToldMail tells managers and administrators whose devices were reset, by whom and why.
type DevicesResetToldMail struct {
	Context
	Person string `json:"person"`
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// DeviceAddedMail tells that a device was added.
type DeviceAddedMail struct {
	Context
	Device string `json:"device"`
}

// DeviceRemovedMail tells that a device was removed.
type DeviceRemovedMail struct {
	Context
	Device string `json:"device"`
}

// DeviceOfferedMail tells that an operator enrolled a device for the person (PROTOCOL 22).
type DeviceOfferedMail struct {
	Context
	Device string `json:"device"`
	By     string `json:"by"`
	Waits  bool   `json:"waits,omitempty"` // it counts once the person confirms it
}

// QRShownMail tells that a QR code was shown again, confirmed or not (PROTOCOL 14).
type QRShownMail struct {
	Context
	Device string `json:"device"`
}

// CopyConfirmedMail tells that a second phone confirmed the same QR code.
type CopyConfirmedMail struct {
	Context
	Device string `json:"device"`
	Copy   string `json:"copy"`
}

// RecoveryUsedMail tells that a recovery code was used.
type RecoveryUsedMail struct {
	Context
	Left int `json:"left"`
}

// RecoveryRenewedMail tells that new recovery codes were made.
type RecoveryRenewedMail struct{ Context }

// PasswordChangedMail tells that the password was changed.
type PasswordChangedMail struct{ Context }

// AddressChangedMail tells that an operator changed the addresses of an account.
type AddressChangedMail struct {
	Context
	By    string `json:"by"`
	Login string `json:"login,omitempty"` // to sign in with now; "" to an address that is no longer the person's
}

// PasswordLinkMail carries the link to choose a new password.
type PasswordLinkMail struct {
	Context
	Link  string    `json:"link"`
	Until time.Time `json:"until"`
}

// PasswordLinkGivenMail tells that an operator was given the link to choose a new password (PROTOCOL 22).
type PasswordLinkGivenMail struct {
	Context
	By string `json:"by"`
}

// PasswordGivenMail tells that an operator chose the password (PROTOCOL 22).
type PasswordGivenMail struct {
	Context
	By        string `json:"by"`
	Temporary bool   `json:"temporary,omitempty"` // it is changed at the next sign-in
}

// NewBrowserMail tells of a first sign-in from a browser.
type NewBrowserMail struct{ Context }

// WrongCodesMail tells that somebody with the right password gave wrong codes.
type WrongCodesMail struct {
	Context
	Count int `json:"count"`
}

// HelpReceivedMail acknowledges a help request to the person.
type HelpReceivedMail struct {
	Context
	Reference string `json:"reference"`
}

// HelpForSupportMail brings a help request to support.
type HelpForSupportMail struct {
	Context
	Reference string `json:"reference"`
	From      string `json:"from"`            // the address given in the form; anybody can have typed it
	Known     bool   `json:"known,omitempty"` // the address belongs to a person of ours
	Topic     Topic  `json:"topic"`
	Text      string `json:"text,omitempty"`
	Link      string `json:"link,omitempty"` // to the request
}

// HelpAnsweredMail tells the person that the request was answered.
type HelpAnsweredMail struct {
	Context
	Reference string `json:"reference"`
	Answer    string `json:"answer,omitempty"`   // free text of the agent
	Rejected  bool   `json:"rejected,omitempty"` // nothing was changed for it
}

// KeyClonedMail tells that a YubiKey looks cloned and was switched off.
type KeyClonedMail struct {
	Context
	Device string `json:"device"`
}

// TicketHandedMail tells that a code was handed over by an operator (PROTOCOL 9).
type TicketHandedMail struct {
	Context
	Person string `json:"person,omitempty"` // whose; "" when the mail goes to that person
	By     string `json:"by"`
}

// NoticesMail tells of several acts at once, when a person would have got more than ten mails in an hour.
type NoticesMail struct {
	Context
	Notices []JoinedNotice `json:"notices"`
}

// DigestNotice is one of them: the subject it would have had, and when it happened.
type JoinedNotice struct {
	At      time.Time `json:"at"`
	Subject string    `json:"subject"`
}

func (InvitationMail) Name() string { return "invitation" }

func (DevicesResetMail) Name() string { return "devices_reset" }

func (DevicesResetToldMail) Name() string { return "devices_reset_told" }

func (DeviceAddedMail) Name() string { return "device_added" }

func (DeviceOfferedMail) Name() string { return "device_offered" }

func (DeviceRemovedMail) Name() string { return "device_removed" }

func (QRShownMail) Name() string { return "qr_shown" }

func (CopyConfirmedMail) Name() string { return "copy_confirmed" }

func (RecoveryUsedMail) Name() string { return "recovery_used" }

func (RecoveryRenewedMail) Name() string { return "recovery_renewed" }

func (PasswordChangedMail) Name() string { return "password_changed" }

func (PasswordLinkMail) Name() string { return "password_link" }

func (NewBrowserMail) Name() string { return "new_browser" }

func (WrongCodesMail) Name() string { return "wrong_codes" }

func (HelpReceivedMail) Name() string { return "help_received" }

func (HelpForSupportMail) Name() string { return "help_for_support" }

func (HelpAnsweredMail) Name() string { return "help_answered" }

func (KeyClonedMail) Name() string { return "key_cloned" }

func (TicketHandedMail) Name() string { return "ticket_handed" }

func (NoticesMail) Name() string { return "notices" }

func (AddressChangedMail) Name() string { return "address_changed" }

func (PasswordLinkGivenMail) Name() string { return "password_link_given" }

func (PasswordGivenMail) Name() string { return "password_given" }

func (WelcomeMail) Name() string { return "welcome" }

// RoleChangedMail tells that a role was given or taken away.
type RoleChangedMail struct {
	Context
	Person string `json:"person,omitempty"` // whose; "" when the mail goes to that person
	By     string `json:"by"`
	Role   string `json:"role"` // in Okta's words
	Given  bool   `json:"given,omitempty"`
}

// ResetAskedMail tells that a reset waits for the word of a second administrator (PROTOCOL 11).
type ResetAskedMail struct {
	Context
	Person string    `json:"person,omitempty"` // whose devices; "" when the mail goes to that person
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Link   string    `json:"link,omitempty"` // to what waits; "" for the person
	Until  time.Time `json:"until"`
}

// TokenMadeMail tells a person that there is an API token which acts as they.
type TokenMadeMail struct {
	Context
	By    string    `json:"by"`
	Token string    `json:"token"` // its name
	Until time.Time `json:"until"`
}

func (RoleChangedMail) Name() string { return "role_changed" }

func (ResetAskedMail) Name() string { return "reset_asked" }

func (TokenMadeMail) Name() string { return "token_made" }

// DeviceSignedInMail tells that a device of an application may now act for the person (PROTOCOL 28).
type DeviceSignedInMail struct {
	Context
	App string `json:"app"`
}

func (DeviceSignedInMail) Name() string { return "device_signed_in" }
