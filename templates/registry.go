package templates

// pages holds one of each kind of page: what New looks for templates for.
func pages() []Page {
	return []Page{
		Login{}, Factor{}, Recovery{}, Ticket{}, TicketLink{}, Blocked{}, Invite{}, Forgot{}, ForgotSent{}, NewPassword{}, PasswordRequired{}, LoggedOut{},
		ChooseDevice{}, Phone{}, SecurityKey{}, AddSecondDevice{}, RecoveryCodes{},
		Account{}, StepUp{}, AddDevice{}, DeviceRemove{}, DeviceConfirm{}, DeviceShow{}, DeviceShown{}, CopyRemove{}, Replace{}, RecoveryRenew{}, PasswordChange{},
		Help{}, HelpRequest{}, HelpSent{}, Failure{}, Mailbox{}, MailView{},
		Reference{},
		Continue{}, AccessDenied{}, Consent{}, RequestError{}, SignOutConfirm{}, UserCode{}, UserCodeConfirm{}, UserCodeDone{},
	}
}
