package templates

// Problems: what happened and what to do next, in one sentence each.
const (
	// sign-in
	ProblemSignIn      Key = "problem.sign_in"      // whatever failed: name or password, known or not
	ProblemMissing     Key = "problem.missing"      // a field was left empty
	ProblemSessionGone Key = "problem.session_gone" // the login under way or the session ended; begin again
	ProblemWait        Key = "problem.wait"         // too many tries; set Wait
	ProblemWaitCode    Key = "problem.wait_code"    // too many six-digit codes, which stop no key; set Wait
	ProblemBusy        Key = "problem.busy"         // too much at once, try again

	// codes of a phone
	ProblemCodeWrong  Key = "problem.code_wrong"
	ProblemCodeFormat Key = "problem.code_format" // not six digits
	ProblemCodeUsed   Key = "problem.code_used"   // used before; set Wait to the next code
	ProblemCodeNext   Key = "problem.code_next"   // used before, of a device that shows the next code at once
	ProblemCodeResync Key = "problem.code_resync" // of a counter far ahead: the next code settles it
	ProblemClockSlow  Key = "problem.clock_slow"  // N seconds behind
	ProblemClockFast  Key = "problem.clock_fast"  // N seconds ahead
	ProblemCopyOld    Key = "problem.copy_old"    // a code from before the QR code was shown

	// recovery codes, tickets
	ProblemRecoveryWrong        Key = "problem.recovery_wrong"
	ProblemRecoveryFresh        Key = "problem.recovery_fresh" // a recovery code does not do for this act
	ProblemTicketWrong          Key = "problem.ticket_wrong"
	ProblemTicketExpired        Key = "problem.ticket_expired"
	ProblemTicketUsed           Key = "problem.ticket_used"
	ProblemTicketSameProvenance Key = "problem.ticket_same_provenance"
	ProblemTicketNoMore         Key = "problem.ticket_no_more" // no further one today

	// YubiKeys
	ProblemKeyRefused   Key = "problem.key_refused"
	ProblemKeyCloned    Key = "problem.key_cloned"
	ProblemKeyPolicy    Key = "problem.key_policy"
	ProblemKeyTaken     Key = "problem.key_taken" // enrolled already
	ProblemCeremonyGone Key = "problem.ceremony_gone"

	// passwords
	ProblemPasswordShort   Key = "problem.password_short" // N: least number of characters
	ProblemPasswordLong    Key = "problem.password_long"
	ProblemPasswordCommon  Key = "problem.password_common"
	ProblemPasswordContext Key = "problem.password_context" // contains the name, address or site
	ProblemPasswordSame    Key = "problem.password_same"
	ProblemPasswordCurrent Key = "problem.password_current" // the present password was wrong

	// devices
	ProblemLastDevice  Key = "problem.last_device"
	ProblemTooMany     Key = "problem.too_many"    // as many of the kind as one may have
	ProblemTooManyQR   Key = "problem.too_many_qr" // shown three times today
	ProblemNoCopies    Key = "problem.no_copies"   // the policy forbids showing again
	ProblemNameLength  Key = "problem.name_length"
	ProblemChanged     Key = "problem.changed"       // something else changed meanwhile; look again
	ProblemNotKept     Key = "problem.not_kept"      // the box was not ticked
	ProblemNeedsProof  Key = "problem.needs_proof"   // the proof is older than five minutes
	ProblemNoSuchThing Key = "problem.no_such_thing" // the device or session is gone

	// help form
	ProblemEmail       Key = "problem.email"
	ProblemMessageLong Key = "problem.message_long"
)

// Notices: what was done.
const (
	NoticeDeviceAdded     Key = "notice.device_added"
	NoticeDeviceConfirmed Key = "notice.device_confirmed"
	NoticeDeviceRemoved   Key = "notice.device_removed"
	NoticeDeviceRenamed   Key = "notice.device_renamed"
	NoticeCopyAdded       Key = "notice.copy_added"
	NoticeCopyRemoved     Key = "notice.copy_removed"
	NoticeCodesKept       Key = "notice.codes_kept"
	NoticeSessionEnded    Key = "notice.session_ended"
	NoticeOthersEnded     Key = "notice.others_ended"
	NoticeAppWithdrawn    Key = "notice.app_withdrawn"
	NoticePasswordChanged Key = "notice.password_changed"
	NoticePasswordSet     Key = "notice.password_set" // by link: prove a device now, then it counts
	NoticeTicketSent      Key = "notice.ticket_sent"
	NoticeWereReset       Key = "notice.were_reset" // a login half-way learns that the devices were reset
	NoticeSignedIn        Key = "notice.signed_in"
	NoticeRecoveryUsed    Key = "notice.recovery_used" // N left; add a device now
)

// Keys lists every key that handlers may use, for the test that each is in every catalogue.
func Keys() []Key {
	return []Key{
		ProblemSignIn, ProblemMissing, ProblemSessionGone, ProblemWait, ProblemWaitCode, ProblemBusy,
		ProblemCodeWrong, ProblemCodeFormat, ProblemCodeUsed, ProblemCodeNext, ProblemCodeResync, ProblemClockSlow, ProblemClockFast, ProblemCopyOld,
		ProblemRecoveryWrong, ProblemRecoveryFresh, ProblemTicketWrong, ProblemTicketExpired, ProblemTicketUsed,
		ProblemTicketSameProvenance, ProblemTicketNoMore,
		ProblemKeyRefused, ProblemKeyCloned, ProblemKeyPolicy, ProblemKeyTaken, ProblemCeremonyGone,
		ProblemPasswordShort, ProblemPasswordLong, ProblemPasswordCommon, ProblemPasswordContext, ProblemPasswordSame,
		ProblemPasswordCurrent,
		ProblemLastDevice, ProblemTooMany, ProblemTooManyQR, ProblemNoCopies, ProblemNameLength, ProblemChanged,
		ProblemNotKept, ProblemNeedsProof, ProblemNoSuchThing, ProblemEmail, ProblemMessageLong, ProblemUserCode,
		NoticeDeviceAdded, NoticeDeviceConfirmed, NoticeDeviceRemoved, NoticeDeviceRenamed, NoticeCopyAdded, NoticeCopyRemoved, NoticeCodesKept,
		NoticeSessionEnded, NoticeOthersEnded, NoticePasswordChanged, NoticePasswordSet, NoticeTicketSent, NoticeWereReset,
		NoticeSignedIn, NoticeRecoveryUsed,
	}
}
