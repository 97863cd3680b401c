#!/bin/sh
# A day at the help desk by the REST API: take the oldest open help request, find out who asks and what devices
# they have, check who it is, reset their devices, and read what was done. Needs curl (7.82 or newer) and jq.
#
#   BARILLET_URL=https://login.garage.example docs/helpdesk-day.sh TOKEN-FILE
#
# The file holds an API token of HELP_DESK_ADMIN: barillet token create --name "help desk" --role HELP_DESK_ADMIN
set -eu

url=${BARILLET_URL:?the address of the service, https://login.garage.example}
token=${1:?the file with the API token}

# The token goes from file to file: on a command line every process of the machine could read it.
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'Authorization: SSWS %s\n' "$(cat "$token")" >"$work/token.header"

# call METHOD PATH [CURL OPTION...] prints the answer. One that says no goes to stderr, and ends the script.
call() {
	method=$1 path=$2
	shift 2
	curl --silent --show-error --fail-with-body --max-time 30 -H "@$work/token.header" -X "$method" "$@" \
		-o "$work/answer" "$url/api/v1$path" || {
		jq -r '"\(.status) \(.detail) (\(.errorId))"' "$work/answer" >&2 || true
		return 1
	}
	cat "$work/answer"
}

# 1. Who waits? The oldest is first.
call GET '/help-requests?status=open' >"$work/open"
jq -r '.[] | "\(.reference)  \(.topic)  \(.email)"' "$work/open"
request=$(jq -r '.[0].id // empty' "$work/open")
if [ -z "$request" ]; then
	echo "nobody waits"
	exit
fi

# 2. What do they say? Anybody can have typed it: what counts is userId, and whether the password was proven.
call GET "/help-requests/$request" >"$work/request"
jq -r '"says: \(.message)", "password proven: \(.passwordProven)"' "$work/request"
user=$(jq -r '.userId // empty' "$work/request")
if [ -z "$user" ]; then
	echo "the address belongs to nobody"
	exit
fi

# 3. Who is it, and what do they have?
call GET "/users/$user" | jq -r '"is: \(.profile.firstName) \(.profile.lastName), \(.profile.login), \(.status)"'
call GET "/users/$user/factors" | jq -r '.[] | "has: \(.factorType) \(.name)"'

# 4. Take the request, call back on the number on file, and write down that you did.
call PATCH "/help-requests/$request" --json '{"assignee": "me", "note": "Took this one."}' >"$work/request"
call PATCH "/help-requests/$request" --json '{"identityCheck": {"way": "called_back"}}' | jq -r '"checked: \(.identityCheck.way)"'

# 5. Reset. The key makes it safe to try again when an answer is lost: the reset happens once.
jq -n --arg request "$request" '{reason: "Phone lost, called back on the number on file", helpRequestId: $request}' >"$work/reset"
call POST "/users/$user/lifecycle/reset_factors" --retry 3 -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" \
	--json "@$work/reset" >"$work/receipt"

# 6. The receipt: what was cleared, and where the ticket went with which the person enrols again.
jq -r '"cleared: \(.cleared.phones) phones, \(.cleared.keys) keys, \(.cleared.recoveryCodes) recovery codes",
	"ended: \(.sessionsEnded) sessions", "mailed to: \(.mailedTo | join(", "))", "ticket until: \(.ticket.expiresAt)"' "$work/receipt"

# 7. The reset has resolved the request, and the log says who did it.
call GET "/help-requests/$request" | jq -r '"request: \(.status)"'
call GET /logs --get --data-urlencode 'filter=eventType eq "user.mfa.factor.reset_all"' --data-urlencode sortOrder=DESCENDING \
	--data-urlencode limit=1 | jq -r '.[] | "log: \(.actor.displayName) \(.displayMessage) \(.target[0].alternateId) \(.outcome.result)"'
