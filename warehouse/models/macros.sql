-- An amount of dollars as a person reads it.
create or replace temp macro dollars(amount) as
    case
        when amount >= 1e12 then printf('$%.2f trillion', amount / 1e12)
        when amount >= 1e9 then printf('$%.2f billion', amount / 1e9)
        when amount >= 1e6 then printf('$%.1f million', amount / 1e6)
        else '$' || format('{:,}', round(amount)::bigint)
    end;

-- How many days a figure is compared with: all that are held, or those of the same contracts, venues or coins.
create or replace temp macro days_alike(known, held) as
    case when known < held then known || ' comparable days' else 'the ' || known || ' days held' end;

-- A number as a person reads it, by what it is; models write their sentences with it.
create or replace temp macro shown(value, kind) as
    case kind
        when 'fraction' then
            case
                when abs(value) >= 0.095 then printf('%.0f %%', value * 100)
                else printf('%.1f %%', round(value * 100, 1) + 0)  -- never -0.0
            end
        when 'move' then
            case when value < 0 then 'lost ' else 'gained ' end
            || case
                when abs(value) >= 0.095 then printf('%.0f %%', abs(value) * 100)
                else printf('%.1f %%', abs(value) * 100)
            end
        when 'gap' then printf('%.1f %%', abs(value) * 100) || case when value < 0 then ' less' else ' more' end
        when 'fine gap' then printf('%.3f %%', abs(value) * 100) || case when value < 0 then ' less' else ' more' end
        when 'below' then printf('%.1f %% below', abs(value) * 100)
        when 'rate' then printf('%.2f %%', value * 100)
        when 'fine fraction' then printf('%.3f %%', value * 100)
        when 'times' then printf('%.1f times', value)
        when 'steps' then printf('%.1f', round(value, 1) + 0)
        when 'number' then rtrim(rtrim(printf('%.1f', value), '0'), '.')
        when 'USD' then case when value < 0 then '-' else '' end || dollars(abs(value))
        when 'issued' then dollars(abs(value)) || case when value < 0 then ' were redeemed' else ' were issued' end
        when 'KRW' then
            case
                when abs(value) >= 1e12 then printf('%.2f trillion won', value / 1e12)
                else printf('%.0f billion won', value / 1e9)
            end
        when 'coins' then format('{:,}', round(value)::bigint)
        when 'price' then
            case when value < 0 then '-' else '' end
            || case
                when abs(value) >= 1000 then '$' || format('{:,}', round(abs(value))::bigint)
                when abs(value) >= 1 then printf('$%.2f', abs(value))
                else printf('$%.4f', abs(value))
            end
        else error('no way to show a number as ' || coalesce(kind, 'nothing'))
    end
