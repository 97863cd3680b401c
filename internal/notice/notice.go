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

// Invitation invites a person who never had a device. Link is the only secret that a mail of this kind holds.
type Invitation struct {
	Context
	Inviter string    `json:"inviter,omitempty"`
	Group   string    `json:"group,omitempty"`
	Login   string    `json:"login"`
	Link    string    `json:"link"`
	Until   time.Time `json:"until"`
}

// Welcome tells a person whose account and phone were brought from another house how to choose a password.
type Welcome struct {
	Context
	Group  string    `json:"group,omitempty"`
	Login  string    `json:"login"`
	Device string    `json:"device"` // as their app shows it
	Link   string    `json:"link"`
	Until  time.Time `json:"until"`
}

// DevicesReset carries the ticket of a reset to the person.
type DevicesReset struct {
	Context
	Link  string    `json:"link"`
	Code  string    `json:"code"` // two groups of four
	Until time.Time `json:"until"`
}

// UserDevicesReset tells managers and administrators whose devices were reset, by whom and why.
type UserDevicesReset struct {
	Context
	User   string `json:"user"`
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// DeviceAdded tells that a device was added.
type DeviceAdded struct {
	Context
	Device string `json:"device"`
}

// DeviceRemoved tells that a device was removed.
type DeviceRemoved struct {
	Context
	Device string `json:"device"`
}

// DeviceEnrolledByAdmin tells that an operator enrolled a device for the person (PROTOCOL 22).
type DeviceEnrolledByAdmin struct {
	Context
	Device      string `json:"device"`
	By          string `json:"by"`
	Unconfirmed bool   `json:"unconfirmed,omitempty"` // it counts once the person confirms it
}

// QRShown tells that a QR code was shown again, confirmed or not (PROTOCOL 14).
type QRShown struct {
	Context
	Device string `json:"device"`
}

// CopyConfirmed tells that a second phone confirmed the same QR code.
type CopyConfirmed struct {
	Context
	Device string `json:"device"`
	Copy   string `json:"copy"`
}

// RecoveryUsed tells that a recovery code was used.
type RecoveryUsed struct {
	Context
	Remaining int `json:"remaining"`
}

// RecoveryRenewed tells that new recovery codes were made.
type RecoveryRenewed struct{ Context }

// PasswordChanged tells that the password was changed.
type PasswordChanged struct{ Context }

// AddressChanged tells that an operator changed the addresses of an account.
type AddressChanged struct {
	Context
	By    string `json:"by"`
	Login string `json:"login,omitempty"` // to sign in with now; "" to an address that is no longer the person's
}

// PasswordLink carries the link to choose a new password.
type PasswordLink struct {
	Context
	Link  string    `json:"link"`
	Until time.Time `json:"until"`
}

// PasswordLinkShown tells that an operator was given the link to choose a new password (PROTOCOL 22).
type PasswordLinkShown struct {
	Context
	By string `json:"by"`
}

// PasswordSetByAdmin tells that an operator chose the password (PROTOCOL 22).
type PasswordSetByAdmin struct {
	Context
	By        string `json:"by"`
	Temporary bool   `json:"temporary,omitempty"` // it is changed at the next sign-in
}

// NewBrowser tells of a first sign-in from a browser.
type NewBrowser struct{ Context }

// WrongCodes tells that somebody with the right password gave wrong codes.
type WrongCodes struct {
	Context
	Count int `json:"count"`
}

// HelpReceived acknowledges a help request to the person.
type HelpReceived struct {
	Context
	Reference string `json:"reference"`
}

// HelpForSupport brings a help request to support.
type HelpForSupport struct {
	Context
	Reference string `json:"reference"`
	From      string `json:"from"`                // the address given in the form; anybody can have typed it
	KnownUser bool   `json:"knownUser,omitempty"` // the address belongs to a person of ours
	Topic     Topic  `json:"topic"`
	Message   string `json:"message,omitempty"`
	Link      string `json:"link,omitempty"` // to the request
}

// HelpAnswered tells the person that the request was answered.
type HelpAnswered struct {
	Context
	Reference string `json:"reference"`
	Answer    string `json:"answer,omitempty"`   // free text of the agent
	Rejected  bool   `json:"rejected,omitempty"` // nothing was changed for it
}

// SecurityKeyDisabled tells that a YubiKey looks cloned and was switched off.
type SecurityKeyDisabled struct {
	Context
	Device string `json:"device"`
}

// TicketShown tells that a code was handed over by an operator (PROTOCOL 9).
type TicketShown struct {
	Context
	User string `json:"user,omitempty"` // whose; "" when the mail goes to that person
	By   string `json:"by"`
}

// Digest tells of several acts at once, when a person would have got more than ten mails in an hour.
type Digest struct {
	Context
	Entries []DigestEntry `json:"entries"`
}

// DigestNotice is one of them: the subject it would have had, and when it happened.
type DigestEntry struct {
	At      time.Time `json:"at"`
	Subject string    `json:"subject"`
}

func (Invitation) Name() string { return "invitation" }

func (DevicesReset) Name() string { return "devices_reset" }

func (UserDevicesReset) Name() string { return "devices_reset_told" }

func (DeviceAdded) Name() string { return "device_added" }

func (DeviceEnrolledByAdmin) Name() string { return "device_offered" }

func (DeviceRemoved) Name() string { return "device_removed" }

func (QRShown) Name() string { return "qr_shown" }

func (CopyConfirmed) Name() string { return "copy_confirmed" }

func (RecoveryUsed) Name() string { return "recovery_used" }

func (RecoveryRenewed) Name() string { return "recovery_renewed" }

func (PasswordChanged) Name() string { return "password_changed" }

func (PasswordLink) Name() string { return "password_link" }

func (NewBrowser) Name() string { return "new_browser" }

func (WrongCodes) Name() string { return "wrong_codes" }

func (HelpReceived) Name() string { return "help_received" }

func (HelpForSupport) Name() string { return "help_for_support" }

func (HelpAnswered) Name() string { return "help_answered" }

func (SecurityKeyDisabled) Name() string { return "key_cloned" }

func (TicketShown) Name() string { return "ticket_handed" }

func (Digest) Name() string { return "notices" }

func (AddressChanged) Name() string { return "address_changed" }

func (PasswordLinkShown) Name() string { return "password_link_given" }

func (PasswordSetByAdmin) Name() string { return "password_given" }

func (Welcome) Name() string { return "welcome" }

// RoleChanged tells that a role was given or taken away.
type RoleChanged struct {
	Context
	User     string `json:"user,omitempty"` // whose; "" when the mail goes to that person
	By       string `json:"by"`
	Role     string `json:"role"` // in Okta's words
	Assigned bool   `json:"assigned,omitempty"`
}

// ResetRequested tells that a reset waits for the word of a second administrator (PROTOCOL 11).
type ResetRequested struct {
	Context
	User   string    `json:"user,omitempty"` // whose devices; "" when the mail goes to that person
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Link   string    `json:"link,omitempty"` // to what waits; "" for the person
	Until  time.Time `json:"until"`
}

// TokenCreated tells a person that there is an API token which acts as they.
type TokenCreated struct {
	Context
	By        string    `json:"by"`
	TokenName string    `json:"tokenName"` // its name
	Until     time.Time `json:"until"`
}

func (RoleChanged) Name() string { return "role_changed" }

func (ResetRequested) Name() string { return "reset_asked" }

func (TokenCreated) Name() string { return "token_made" }

// NotifyDeviceSignIn tells that a device of an application may now act for the person (PROTOCOL 28).
type DeviceSignedIn struct {
	Context
	App string `json:"app"`
}

func (DeviceSignedIn) Name() string { return "device_signed_in" }
