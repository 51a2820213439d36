-- No look-ahead: the first UTC day for which a figure about `date` may be used, because it was public by noon (UTC)
-- after that day.
create or replace temp macro usable_on(date, available_at) as
    greatest(date, (available_at at time zone 'UTC' - interval '36 hours 1 microsecond')::date + 1);

-- The same for marts that show what was public at the end of a day: the first UTC day by whose end (24:00) a figure was
-- public.
create or replace temp macro published_on(date, available_at) as
    greatest(date, (available_at at time zone 'UTC' - interval 1 microsecond)::date);

-- The share of values below a value plus half of those equal to it: (below + (equal + 1) / 2) / known, computed from
-- the number of known values and the value's ranks from below and from above, each one more than the number of values
-- beyond it.
create or replace temp macro mid_rank(value, known, from_below, from_above) as
    case when value is not null and known >= 180 then (known + from_below - from_above + 1)::double / (2 * known) end;

-- Percentile of a value among those of the same kind (`whose`) in the 365 days up to its own (`day`); unknown with
-- fewer than 180 of them. Days without a value do not count.
create or replace temp macro percentile_1y(value, whose, day) as
    mid_rank(
        value,
        count(value) over (partition by whose order by day range between interval 364 days preceding and current row),
        rank(order by value) over (
            partition by whose order by day range between interval 364 days preceding and current row
        ),
        rank(order by value desc nulls last) over (
            partition by whose order by day range between interval 364 days preceding and current row
        )
    );

-- An amount of dollars in words for people.
create or replace temp macro dollars(amount) as
    case
        when amount >= 1e12 then printf('$%.2f trillion', amount / 1e12)
        when amount >= 1e9 then printf('$%.2f billion', amount / 1e9)
        when amount >= 1e6 then printf('$%.1f million', amount / 1e6)
        else '$' || format('{:,}', round(amount)::bigint)
    end;

-- Whether rounding would turn a figure into exactly 100 % or 0 % although it is not.
create or replace temp macro is_blurred(amount, digits) as
    round(abs(amount) * 100, digits) in (0, 100) and round(abs(amount) * 100, digits) <> abs(amount) * 100;

-- A fraction as percent with this many digits; `percent` writes 100 % and 0 % only if it is exactly that.
create or replace temp macro rounded_percent(amount, digits) as
    printf('%.*f %%', digits, round(amount * 100, digits) + 0);  -- never -0

create or replace temp macro percent(amount, digits) as
    case
        when amount is null then null
        when amount = 0 then '0 %'
        when not is_blurred(amount, digits) then rounded_percent(amount, digits)
        when not is_blurred(amount, digits + 1) then rounded_percent(amount, digits + 1)
        when not is_blurred(amount, digits + 2) then rounded_percent(amount, digits + 2)
        when abs(amount) < 0.5 then 'next to 0 %'
        when abs(amount) < 1 then 'nearly 100 %'
        else 'hardly over 100 %'
    end;

create or replace temp macro ordinal(digits) as
    digits || case
        when right(digits, 2) in ('11', '12', '13') then 'th'
        when right(digits, 1) = '1' then 'st'
        when right(digits, 1) = '2' then 'nd'
        when right(digits, 1) = '3' then 'rd'
        else 'th'
    end;

-- A share of days as a percentile; only the highest day is the 100th.
create or replace temp macro percentile(share) as
    case
        when share is null then null
        when not is_blurred(share, 0) then ordinal(printf('%.0f', round(share * 100, 0)))
        when not is_blurred(share, 1) then ordinal(printf('%.1f', round(share * 100, 1)))
        when not is_blurred(share, 2) then ordinal(printf('%.2f', round(share * 100, 2)))
        when share < 0.5 then 'next to the 0th'
        else 'next to the 100th'
    end
    || ' percentile';

-- The days that a figure is compared with, in words: all that are held, or those of the same contracts, venues or coins.
create or replace temp macro days_alike(known, held) as
    case when known < held then known || ' comparable days' else 'the ' || known || ' days held' end;

-- The word for a figure that no day exceeds: a return is the best or worst; for a gap or an issuance, which may have
-- either sign, the word says what is high.
create or replace temp macro superlative_word(is_high, kind) as
    case
        when kind = 'move' then case when is_high then 'best' else 'worst' end
        else case when is_high then 'highest' else 'lowest' end
            || case
                when kind in ('gap', 'fine gap') then ' premium'
                when kind = 'issued' then ' net issuance'
                else ''
            end
    end;

-- When a figure may be called the highest or the lowest, and of which days: the one rule for every sentence.
-- `alike_on` is the last of the 364 days before on which the figure was as extreme, for whatever contracts, venues or
-- coins it was shown; `known` is the number of comparable days within a year (including its own), `held` the number of
-- days on which it is known at all, `known_since` the number of comparable days after `alike_on`. The claim needs a
-- month without an equal; "in a year" needs each of the 365 days, and "since" each of the days since.
create or replace temp macro superlative(word, day, alike_on, known, held, known_since) as
    case
        when known < 30 or day - alike_on < 30 then ''
        when alike_on is null and known = 365 then ', the ' || word || ' in a year'
        when alike_on is null then ', the ' || word || ' of ' || days_alike(known, held)
        when known_since = day - alike_on then ', the ' || word || ' since ' || strftime(alike_on, '%-d %B %Y')
        when known_since >= 30
            then ', the ' || word || ' of the ' || known_since || ' comparable days since '
                || strftime(alike_on, '%-d %B %Y')
        else ''
    end;

-- Numbers formatted for people, one macro for each kind; models write their sentences with these.
create or replace temp macro as_fraction(value) as
    percent(value, case when abs(value) >= 0.095 then 0 else 1 end);

create or replace temp macro as_rate(value) as percent(value, 2);

create or replace temp macro as_usd(value) as case when value < 0 then '-' else '' end || dollars(abs(value));

create or replace temp macro as_coins(value) as format('{:,}', round(value)::bigint);

create or replace temp macro as_price(value) as
    case when value < 0 then '-' else '' end
    || case
        when abs(value) >= 1000 then '$' || format('{:,}', round(abs(value))::bigint)
        when abs(value) >= 1 then printf('$%.2f', abs(value))
        else printf('$%.4f', abs(value))
    end;

-- The same if a column names the kind. DuckDB binds every branch at each use, so use it in few places.
create or replace temp macro shown(value, kind) as
    case kind
        when 'fraction' then as_fraction(value)
        when 'move' then
            case
                when value = 0 then 'stood still'
                else case when value < 0 then 'lost ' else 'gained ' end || as_fraction(abs(value))
            end
        when 'gap' then percent(abs(value), 1) || case when value < 0 then ' less' else ' more' end
        when 'fine gap' then percent(abs(value), 3) || case when value < 0 then ' less' else ' more' end
        when 'below' then percent(abs(value), 1) || ' below'
        when 'rate' then as_rate(value)
        when 'fine fraction' then percent(value, 3)
        when 'percentile' then percentile(value)
        when 'times' then printf('%.1f times', value)
        when 'steps' then printf('%.1f', round(value, 1) + 0)
        when 'number' then rtrim(rtrim(printf('%.1f', value), '0'), '.')
        when 'USD' then as_usd(value)
        when 'issued' then dollars(abs(value)) || case when value < 0 then ' were redeemed' else ' were issued' end
        when 'KRW' then
            case
                when abs(value) >= 1e12 then printf('%.2f trillion won', value / 1e12)
                else printf('%.0f billion won', value / 1e9)
            end
        when 'coins' then as_coins(value)
        when 'price' then as_price(value)
        else error('no way to show a number as ' || coalesce(kind, 'nothing'))
    end
