package templates

// Problems. Each sentence says what happened and what to do next.
const (
	// sign-in
	ProblemSignIn        Key = "problem.sign_in"        // wrong login or password; the same for unknown logins
	ProblemMissing       Key = "problem.missing"        // an empty field
	ProblemSessionGone   Key = "problem.session_gone"   // the sign-in transaction or the session ended
	ProblemEnrolmentGone Key = "problem.enrolment_gone" // the transaction of an invitation or a ticket ended
	ProblemWait          Key = "problem.wait"           // too many tries; set Wait
	ProblemWaitPassword  Key = "problem.wait_password"  // too many wrong passwords; a mailed link still works; set Wait
	ProblemWaitCode      Key = "problem.wait_code"      // too many wrong codes; a security key still works; set Wait
	ProblemBusy          Key = "problem.busy"           // the service is overloaded
	ProblemLowSpace      Key = "problem.low_space"      // the service has no room for what can wait
	ProblemOtherUser     Key = "problem.other_user"     // the page was rendered for another user

	// codes of a phone
	ProblemCodeWrong  Key = "problem.code_wrong"
	ProblemCodeFormat Key = "problem.code_format" // not six digits
	ProblemCodeUsed   Key = "problem.code_used"   // used already; set Wait to the time until the next code
	ProblemCodeNext   Key = "problem.code_next"   // used already, of a device that shows its next code on request
	ProblemCodeResync Key = "problem.code_resync" // the counter is far ahead; the next code is needed
	ProblemClockSlow  Key = "problem.clock_slow"  // N seconds behind
	ProblemClockFast  Key = "problem.clock_fast"  // N seconds ahead
	ProblemCopyOld    Key = "problem.copy_old"    // a code from before the QR code was shown

	// recovery codes, tickets
	ProblemRecoveryWrong        Key = "problem.recovery_wrong"
	ProblemCodesReplaced        Key = "problem.codes_replaced" // the page shows recovery codes that a newer list replaced
	ProblemRecoveryFresh        Key = "problem.recovery_fresh" // the operation does not accept a recovery code
	ProblemTicketWrong          Key = "problem.ticket_wrong"
	ProblemTicketExpired        Key = "problem.ticket_expired"
	ProblemTicketUsed           Key = "problem.ticket_used"
	ProblemTicketSameProvenance Key = "problem.ticket_same_provenance"
	ProblemTicketNoMore         Key = "problem.ticket_no_more" // the daily limit of emails is reached

	// YubiKeys
	ProblemKeyRefused   Key = "problem.key_refused"
	ProblemKeyCloned    Key = "problem.key_cloned"
	ProblemKeyPolicy    Key = "problem.key_policy"
	ProblemKeyPIN       Key = "problem.key_pin"
	ProblemKeyBackup    Key = "problem.key_backup"
	ProblemKeyEnrol     Key = "problem.key_enrol"
	ProblemKeyTaken     Key = "problem.key_taken" // enrolled already
	ProblemCeremonyGone Key = "problem.ceremony_gone"

	// passwords
	ProblemPasswordShort    Key = "problem.password_short" // N: minimum number of characters
	ProblemPasswordLong     Key = "problem.password_long"
	ProblemPasswordCommon   Key = "problem.password_common"
	ProblemPasswordBreached Key = "problem.password_breached"
	ProblemPasswordContext  Key = "problem.password_context" // contains the name, address or site
	ProblemPasswordSame     Key = "problem.password_same"
	ProblemPasswordCurrent  Key = "problem.password_current" // the current password was wrong

	// devices
	ProblemLastDevice     Key = "problem.last_device"
	ProblemTooMany        Key = "problem.too_many"    // the maximum of the kind
	ProblemTooManyQR      Key = "problem.too_many_qr" // shown three times today
	ProblemNoCopies       Key = "problem.no_copies"   // the policy forbids showing again
	ProblemNameLength     Key = "problem.name_length"
	ProblemNameCharacters Key = "problem.name_characters"
	ProblemChanged        Key = "problem.changed"       // the account changed at the same time
	ProblemNotKept        Key = "problem.not_kept"      // the box was not ticked
	ProblemNeedsProof     Key = "problem.needs_proof"   // the step-up is older than five minutes
	ProblemNoSuchThing    Key = "problem.no_such_thing" // the device or session does not exist

	// help form
	ProblemEmail       Key = "problem.email"
	ProblemEmailTaken  Key = "problem.email_taken" // at the setup link
	ProblemMessageLong Key = "problem.message_long"

	// blocked devices
	ProblemLastAdmin   Key = "problem.last_admin"   // no SUPER_ADMIN could sign in
	ProblemOtherDevice Key = "problem.other_device" // the step-up was by a device that is not accepted for this

	// handing over a code
	ProblemNoCodeYet       Key = "problem.no_code_yet"      // the code was typed before it exists
	ProblemDigits          Key = "problem.digits"           // N tries remain
	ProblemDigitsFormat    Key = "problem.digits_format"    // not two digits
	ProblemWitnessOver     Key = "problem.witness_over"     // the request has ended
	ProblemWitnessPassword Key = "problem.witness_password" // administrator or witness may know the password
)

// Notices. Each sentence says what was done.
const (
	NoticeDeviceAdded     Key = "notice.device_added"
	NoticeDeviceConfirmed Key = "notice.device_confirmed"
	NoticeDeviceRemoved   Key = "notice.device_removed"
	NoticeDeviceFrozen    Key = "notice.device_frozen"
	NoticeDevicesFrozen   Key = "notice.devices_frozen"
	NoticeDeviceUnfrozen  Key = "notice.device_unfrozen"
	NoticeDeviceRenamed   Key = "notice.device_renamed"
	NoticeCopyAdded       Key = "notice.copy_added"
	NoticeCopyRemoved     Key = "notice.copy_removed"
	NoticeCodesKept       Key = "notice.codes_kept"
	NoticeCodesHidden     Key = "notice.codes_hidden" // recovery codes that were shown count
	NoticeSessionEnded    Key = "notice.session_ended"
	NoticeOthersEnded     Key = "notice.others_ended"
	NoticeAppWithdrawn    Key = "notice.app_withdrawn"
	NoticePasswordChanged Key = "notice.password_changed"
	NoticePasswordSet     Key = "notice.password_set" // by link; it takes effect after the second step
	NoticeTicketSent      Key = "notice.ticket_sent"
	NoticeWereReset       Key = "notice.were_reset" // the devices were reset during a sign-in
	NoticeSignedIn        Key = "notice.signed_in"
	NoticeRecoveryUsed    Key = "notice.recovery_used" // N codes remain
	NoticeWitnessYes      Key = "notice.witness_yes"
	NoticeWitnessNo       Key = "notice.witness_no"
)

// The operations that the page of a step-up names.
const (
	OperationAddDevice     Key = "prove.add_device"
	OperationConfirmDevice Key = "prove.confirm_device" // Device
	OperationRemoveDevice  Key = "prove.remove_device"  // Device
	OperationRemoveCopy    Key = "prove.remove_copy"    // Device
	OperationRecoveryCodes Key = "prove.recovery_codes"
	OperationFreeze        Key = "prove.freeze"
	OperationUnfreeze      Key = "prove.unfreeze" // Device
	OperationPassword      Key = "prove.password"
	OperationWitness       Key = "prove.witness"
	OperationOtherDevice   Key = "prove.other_device" // a device without a keyboard
	OperationApplication   Key = "prove.application"  // App
	OperationConsole       Key = "prove.console"      // Act: the words of a button
	OperationAny           Key = "prove.any"
)

// Keys returns every key that handlers use. A test checks that each catalogue contains them.
func Keys() []Key {
	return []Key{
		ProblemNoCodeYet, ProblemDigits, ProblemDigitsFormat, ProblemWitnessOver, ProblemWitnessPassword, NoticeWitnessYes, NoticeWitnessNo, OperationWitness,
		ProblemSignIn, ProblemMissing, ProblemSessionGone, ProblemEnrolmentGone, ProblemWait, ProblemWaitPassword, ProblemWaitCode, ProblemBusy, ProblemLowSpace, ProblemOtherUser,
		ProblemCodeWrong, ProblemCodeFormat, ProblemCodeUsed, ProblemCodeNext, ProblemCodeResync, ProblemClockSlow, ProblemClockFast, ProblemCopyOld,
		ProblemRecoveryWrong, ProblemCodesReplaced, ProblemRecoveryFresh, ProblemTicketWrong, ProblemTicketExpired, ProblemTicketUsed,
		ProblemTicketSameProvenance, ProblemTicketNoMore,
		ProblemKeyRefused, ProblemKeyCloned, ProblemKeyPolicy, ProblemKeyPIN, ProblemKeyBackup, ProblemKeyEnrol, ProblemKeyTaken, ProblemCeremonyGone,
		ProblemPasswordShort, ProblemPasswordLong, ProblemPasswordCommon, ProblemPasswordBreached, ProblemPasswordContext, ProblemPasswordSame,
		ProblemPasswordCurrent,
		ProblemLastDevice, ProblemTooMany, ProblemTooManyQR, ProblemNoCopies, ProblemNameLength, ProblemNameCharacters, ProblemChanged,
		ProblemNotKept, ProblemNeedsProof, ProblemNoSuchThing, ProblemEmail, ProblemEmailTaken, ProblemMessageLong, ProblemUserCode, ProblemLastAdmin, ProblemOtherDevice,
		NoticeDeviceAdded, NoticeDeviceConfirmed, NoticeDeviceRemoved, NoticeDeviceFrozen, NoticeDevicesFrozen, NoticeDeviceUnfrozen, NoticeDeviceRenamed, NoticeCopyAdded, NoticeCopyRemoved, NoticeCodesKept, NoticeCodesHidden,
		NoticeSessionEnded, NoticeOthersEnded, NoticePasswordChanged, NoticePasswordSet, NoticeTicketSent, NoticeWereReset,
		NoticeSignedIn, NoticeRecoveryUsed,
		OperationAddDevice, OperationConfirmDevice, OperationRemoveDevice, OperationRemoveCopy, OperationRecoveryCodes, OperationPassword, OperationFreeze, OperationUnfreeze,
		OperationOtherDevice, OperationApplication, OperationConsole, OperationAny,
	}
}
