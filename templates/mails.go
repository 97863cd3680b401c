package templates

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// Notice is one kind of mail with what it is filled with. It survives JSON, so that the outbox can hold it.
type Notice interface {
	name() string
	letter(c *speaker, w writer) message
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

// mails holds one of each kind: the register that MailName and DecodeMail read.
func mails() []Notice {
	return []Notice{
		InvitationMail{}, DevicesResetMail{}, DevicesResetToldMail{}, DeviceAddedMail{}, DeviceRemovedMail{}, QRShownMail{},
		CopyConfirmedMail{}, RecoveryUsedMail{}, RecoveryRenewedMail{}, PasswordChangedMail{}, PasswordLinkMail{},
		NewBrowserMail{}, WrongCodesMail{}, HelpReceivedMail{}, HelpForSupportMail{}, HelpAnsweredMail{}, KeyClonedMail{},
		TicketHandedMail{}, NoticesMail{}, AddressChangedMail{}, PasswordLinkGivenMail{}, PasswordGivenMail{},
		RoleChangedMail{}, ResetAskedMail{}, TokenMadeMail{}, DeviceOfferedMail{}, WelcomeMail{}, DeviceSignedInMail{},
	}
}

// MailName names the kind of a mail, as stored in the outbox and shown in lists: "devices_reset".
func MailName(m Notice) string { return m.name() }

// DecodeMail reads back what json.Marshal made of a mail of that name.
func DecodeMail(name string, raw []byte) (Notice, error) {
	for _, m := range mails() {
		if m.name() != name {
			continue
		}
		p := reflect.New(reflect.TypeOf(m))
		if err := json.Unmarshal(raw, p.Interface()); err != nil {
			return nil, fmt.Errorf("decoding mail %q: %w", name, err)
		}
		return p.Elem().Interface().(Notice), nil
	}
	return nil, fmt.Errorf("decoding mail: unknown kind %q", name)
}

func (InvitationMail) name() string        { return "invitation" }
func (DevicesResetMail) name() string      { return "devices_reset" }
func (DevicesResetToldMail) name() string  { return "devices_reset_told" }
func (DeviceAddedMail) name() string       { return "device_added" }
func (DeviceOfferedMail) name() string     { return "device_offered" }
func (DeviceRemovedMail) name() string     { return "device_removed" }
func (QRShownMail) name() string           { return "qr_shown" }
func (CopyConfirmedMail) name() string     { return "copy_confirmed" }
func (RecoveryUsedMail) name() string      { return "recovery_used" }
func (RecoveryRenewedMail) name() string   { return "recovery_renewed" }
func (PasswordChangedMail) name() string   { return "password_changed" }
func (PasswordLinkMail) name() string      { return "password_link" }
func (NewBrowserMail) name() string        { return "new_browser" }
func (WrongCodesMail) name() string        { return "wrong_codes" }
func (HelpReceivedMail) name() string      { return "help_received" }
func (HelpForSupportMail) name() string    { return "help_for_support" }
func (HelpAnsweredMail) name() string      { return "help_answered" }
func (KeyClonedMail) name() string         { return "key_cloned" }
func (TicketHandedMail) name() string      { return "ticket_handed" }
func (NoticesMail) name() string           { return "notices" }
func (AddressChangedMail) name() string    { return "address_changed" }
func (PasswordLinkGivenMail) name() string { return "password_link_given" }
func (PasswordGivenMail) name() string     { return "password_given" }
func (WelcomeMail) name() string           { return "welcome" }
