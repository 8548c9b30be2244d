#!/usr/bin/env bash
# Rotates a password of a Defender for IoT appliance: change, reconcile or verify, by D4IOT_OPERATION. Needs curl.
#
# Ends with 0 only if the appliance itself said that the password is valid. docs/rotation.md says why each step is there.
set -uo pipefail

prefix=/api/external/authentication
if [ "${D4IOT_KIND:-}" = console ]; then prefix=/external/authentication; fi

# send OPERATION NAME VALUE…: sends one request, and prints the status and the body; nothing if no answer came in time.
# The body goes through a pipe and `printf` is part of the shell, so that no list of processes shows a password.
# -q: no .curlrc. --max-time includes the body. Without --location no redirect is followed, without --retry nothing is sent again.
send() {
  local operation=$1 body= value answer
  shift
  while [ $# -gt 0 ]; do
    value=${2//\\/\\\\}
    body+=${body:+,}\"$1\":\"${value//\"/\\\"}\"
    shift 2
  done
  answer=$(printf '{%s}' "$body" | curl -q --silent --max-time "${D4IOT_TIMEOUT:-5}" --cacert "$D4IOT_CA" --proto =https --noproxy '*' \
    --header 'content-type: application/json' --data-binary @- --write-out '\n%{http_code}' "$D4IOT_URL$prefix/$operation" 2>&1 | tr '\0' '?') || return 0
  printf '%s %s' "${answer##*$'\n'}" "${answer%$'\n'*}"
}

# ask PASSWORD: prints `yes` if it is valid, `no` if it is refused, `unknown` if the answer says neither.
# There is no JSON parser: the whole body must be as expected.
ask() {
  local answer blank='[[:space:]]*'
  answer=$(send validation username "$USERNAME" password "$1")
  local success="^200 $blank\{($blank\"msg\"$blank:$blank\"Authentication succeeded\.?\"$blank,?)+\}$blank\$"
  local refusal="^[0-9]+ $blank\{.*credentials validation failed.*\}$blank\$"
  if [[ $answer =~ $success ]]; then echo yes; elif [[ ${answer,,} =~ $refusal ]]; then echo no; else echo unknown; fi
}

reconcile() {
  # An administrator may set the same password twice: an earlier run does not matter.
  send set_password_by_admin admin_username "$ADMIN_USERNAME" admin_password "$ADMIN_PASSWORD" username "$USERNAME" new_password "$NEW_PASSWORD" >/dev/null
  [ "$(ask "$NEW_PASSWORD")" = yes ]
}

change() {
  local old new
  old=$(ask "$PASSWORD")
  if [ "$old" = unknown ]; then return 1; fi # so nothing is changed
  # Once, whatever comes back.
  if [ "$old" = yes ]; then send set_password username "$USERNAME" password "$PASSWORD" new_password "$NEW_PASSWORD" >/dev/null; fi
  new=$(ask "$NEW_PASSWORD") # also where the old one was refused: an earlier run may have set it
  if [ "$new" != no ]; then [ "$new" = yes ]; return; fi
  if [ "$old" = yes ]; then old=$(ask "$PASSWORD"); fi
  # Neither is valid. No more sign-ins of this user: five refusals lock an address out.
  [ "$old" = no ] && [ -n "${ADMIN_USERNAME:-}" ] && reconcile
}

verify() {
  [ "$(ask "$PASSWORD")" = yes ]
}

case ${D4IOT_OPERATION:-} in
  change | reconcile | verify) if "$D4IOT_OPERATION"; then echo 'done: the password is valid'; exit 0; fi ;;
esac
echo 'not done: run again with the same passwords' >&2
exit 1
