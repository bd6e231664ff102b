// The numbered files of sql/, embedded in the binary. Append only: a file that was released never changes.

import orders from '../../sql/0001_orders.sql' with { type: 'text' }
import fills from '../../sql/0002_fills.sql' with { type: 'text' }
import outbox from '../../sql/0003_outbox.sql' with { type: 'text' }
import exceptions from '../../sql/0004_exceptions.sql' with { type: 'text' }
import setAside from '../../sql/0005_set_aside.sql' with { type: 'text' }
import touch from '../../sql/0006_touch.sql' with { type: 'text' }
import tradeGaps from '../../sql/0007_trade_gaps.sql' with { type: 'text' }
import tickers from '../../sql/0008_tickers.sql' with { type: 'text' }
import tickersChecked from '../../sql/0009_tickers_checked.sql' with { type: 'text' }
import log from '../../sql/0010_log.sql' with { type: 'text' }
import logChecked from '../../sql/0011_log_checked.sql' with { type: 'text' }
import logIndexes from '../../sql/0012_log_indexes.sql' with { type: 'text' }
import eventPublication from '../../sql/0013_event_publication.sql' with { type: 'text' }
import sortKey from '../../sql/0014_sort_key.sql' with { type: 'text' }
import life from '../../sql/0015_life.sql' with { type: 'text' }
import lifeChecked from '../../sql/0016_life_checked.sql' with { type: 'text' }
import lifeIndexes from '../../sql/0017_life_indexes.sql' with { type: 'text' }
import earlyOrders from '../../sql/0018_early_orders.sql' with { type: 'text' }
import keys from '../../sql/0019_keys.sql' with { type: 'text' }
import gate from '../../sql/0020_gate.sql' with { type: 'text' }
import rules from '../../sql/0021_rules.sql' with { type: 'text' }
import sweeps from '../../sql/0022_sweeps.sql' with { type: 'text' }
import fix from '../../sql/0023_fix.sql' with { type: 'text' }
import fixChecked from '../../sql/0024_fix_checked.sql' with { type: 'text' }
import adoption from '../../sql/0025_adoption.sql' with { type: 'text' }
import cheapChecks from '../../sql/0026_cheap_checks.sql' with { type: 'text' }
import cheapChecksValidated from '../../sql/0027_cheap_checks_validated.sql' with { type: 'text' }
import topicPlaces from '../../sql/0028_topic_places.sql' with { type: 'text' }

export type Migration = { name: string; sql: string }

export const migrations: readonly Migration[] = [
  { name: '0001_orders.sql', sql: orders },
  { name: '0002_fills.sql', sql: fills },
  { name: '0003_outbox.sql', sql: outbox },
  { name: '0004_exceptions.sql', sql: exceptions },
  { name: '0005_set_aside.sql', sql: setAside },
  { name: '0006_touch.sql', sql: touch },
  { name: '0007_trade_gaps.sql', sql: tradeGaps },
  { name: '0008_tickers.sql', sql: tickers },
  { name: '0009_tickers_checked.sql', sql: tickersChecked },
  { name: '0010_log.sql', sql: log },
  { name: '0011_log_checked.sql', sql: logChecked },
  { name: '0012_log_indexes.sql', sql: logIndexes },
  { name: '0013_event_publication.sql', sql: eventPublication },
  { name: '0014_sort_key.sql', sql: sortKey },
  { name: '0015_life.sql', sql: life },
  { name: '0016_life_checked.sql', sql: lifeChecked },
  { name: '0017_life_indexes.sql', sql: lifeIndexes },
  { name: '0018_early_orders.sql', sql: earlyOrders },
  { name: '0019_keys.sql', sql: keys },
  { name: '0020_gate.sql', sql: gate },
  { name: '0021_rules.sql', sql: rules },
  { name: '0022_sweeps.sql', sql: sweeps },
  { name: '0023_fix.sql', sql: fix },
  { name: '0024_fix_checked.sql', sql: fixChecked },
  { name: '0025_adoption.sql', sql: adoption },
  { name: '0026_cheap_checks.sql', sql: cheapChecks },
  { name: '0027_cheap_checks_validated.sql', sql: cheapChecksValidated },
  { name: '0028_topic_places.sql', sql: topicPlaces },
]
