#pragma once

#include "store/redis/script.hpp"

namespace gateway::store {

// What becomes of keys and live sessions, as scripts. The table of states in them is written out from `next`, so that
// there is one. All times are Redis' own, in milliseconds; an instant that comes in is what was left until then.
struct record_scripts {
  // keys: record, index, fence. arguments: member of the index, digest, lease, retention, the most keys.
  // -> "yours" TOKEN | "kept" STATE ANSWER | "other" | "full" MILLISECONDS
  redis::script claim;
  // keys: record, index. arguments: member of the index, event, token, step (0: in no order), lease (0: as it is),
  // answer (empty: none), channel (empty: nobody is told); digest and retention, for a record that is gone. -> 1 or 0
  redis::script tell;
  // keys: live session, name by session. arguments: session, sealed, milliseconds.
  redis::script keep_live;
  // keys: live session. arguments: session.
  redis::script end_live;
};

record_scripts make_record_scripts();

}  // namespace gateway::store
