// The health of the service, in the words of /actuator/health.

type Component = { status: string; details?: Readonly<Record<string, string | number>> }
export type HealthReport = { status: string; components: Readonly<Record<string, Component>> }

const names: Readonly<Record<string, string>> = { db: 'Postgres', kafka: 'Kafka', outbox: 'Outbox' }

/** `tradesStandStill` → `trades stand still`. */
const spaced = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

const Status = ({ status }: { status: string }) => (
  <strong class={`vitals-status vitals-status-${status.toLowerCase()}`}>{status}</strong>
)

const HealthOf = ({ name, component }: { name: string; component: Component }) => {
  const { detail, ...rest } = component.details ?? {}
  return (
    <li>
      <p>
        <span class="vitals-component">{names[name] ?? name}</span> <Status status={component.status} />
      </p>
      {detail !== undefined && <p>{detail}</p>}
      <dl>
        {Object.entries(rest).map(([key, value]) => (
          <div key={key}>
            <dt>{spaced(key)}</dt>
            <dd>{typeof value === 'number' ? value.toLocaleString('en') : value}</dd>
          </div>
        ))}
      </dl>
    </li>
  )
}

export const Health = ({ health }: { health: HealthReport }) => (
  <section class="vitals-health" aria-labelledby="vitals-health">
    <h2 id="vitals-health">
      Health <Status status={health.status} />
    </h2>
    <ul>
      {Object.entries(health.components).map(([name, component]) => (
        <HealthOf key={name} name={name} component={component} />
      ))}
    </ul>
  </section>
)
