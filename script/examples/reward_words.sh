#!/bin/sh
# A reward in shell: how many words of the response are among those given; without any, all count.
#
#   rlhf-sim ppo --set ppo.reward.source=command \
#     --set "ppo.reward.command=script/examples/reward_words.sh good great"
#
# `read` and `echo` go line by line. Most other tools collect output until they have 4 KiB, and so wait
# for ever: use `grep --line-buffered`, `sed -u`, `awk '{…; fflush()}'` (with mawk also -W interactive).
wanted=" $* "
set -f # a * in a response is no pattern of file names
while IFS= read -r row; do
  # {"id":0,"prompt":"…","response":"…","prompt_ids":…: keys always come in this order.
  text=${row#*'"response":"'}
  text=${text%%'","prompt_ids":'*}
  count=0
  for word in $text; do
    case $wanted in
    "  " | *" $word "*) count=$((count + 1)) ;;
    esac
  done
  echo "$count"
done
