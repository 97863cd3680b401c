package templates

// pages holds one of each kind of page: what New looks for templates for.
func pages() []Page {
	return []Page{
		Login{}, Factor{}, Recovery{}, Ticket{}, TicketLink{}, Blocked{}, Invite{}, Forgot{}, ForgotSent{}, NewPassword{}, PasswordDue{}, LoggedOut{},
		Choose{}, Phone{}, SecurityKey{}, Second{}, Codes{},
		Account{}, Prove{}, AddDevice{}, DeviceRemove{}, DeviceConfirm{}, DeviceShow{}, DeviceShown{}, CopyRemove{}, Replace{}, RecoveryRenew{}, PasswordChange{},
		Help{}, HelpRequest{}, HelpSent{}, Failure{}, Mailbox{}, MailView{},
		Reference{},
		Onward{}, Shut{}, Consent{}, AppRefused{}, Leave{}, UserCode{}, UserCodeConfirm{}, UserCodeDone{},
	}
}
