-- A number as a person reads it, by what it is; models write their sentences with it.
create or replace temp macro shown(value, kind) as
    case kind
        when 'fraction' then
            case
                when abs(value) >= 0.095 then printf('%.0f %%', value * 100)
                else printf('%.1f %%', value * 100)
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
        when 'number' then rtrim(rtrim(printf('%.1f', value), '0'), '.')
        when 'USD' then
            case
                when abs(value) >= 1e12 then printf('$%.2f trillion', value / 1e12)
                when abs(value) >= 1e9 then printf('$%.2f billion', value / 1e9)
                when abs(value) >= 1e6 then printf('$%.1f million', value / 1e6)
                else '$' || format('{:,}', round(value)::bigint)
            end
        when 'KRW' then
            case
                when abs(value) >= 1e12 then printf('%.2f trillion won', value / 1e12)
                else printf('%.0f billion won', value / 1e9)
            end
        when 'coins' then format('{:,}', round(value)::bigint)
        when 'price' then
            case
                when abs(value) >= 1000 then '$' || format('{:,}', round(value)::bigint)
                when abs(value) >= 1 then printf('$%.2f', value)
                else printf('$%.4f', value)
            end
        else error('no way to show a number as ' || coalesce(kind, 'nothing'))
    end
